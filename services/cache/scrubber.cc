#include "services/cache/scrubber.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include <absl/strings/escaping.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/async/on_pool.h"
#include "libs/net/http_types.h"
#include "services/cache/limits.h"

namespace tentacle::cache {

namespace {

namespace asio = boost::asio;

// Reads a file from its start on, no faster than it may.
class PacedReader {
 public:
  PacedReader(int fd,
              std::uint64_t bytes_per_second,
              std::function<void(std::uint64_t bytes)> on_read,
              Stopping& stop)
      : fd_(fd), bytes_per_second_(bytes_per_second), on_read_(std::move(on_read)), stop_(stop) {}

  // Exactly so many bytes, or DataLoss at the end of the file. Cancelled: `stop`.
  absl::Status Read(char* buffer, std::size_t length) {
    std::size_t done = 0;
    while (done < length) {
      if (stop_.begun()) return absl::CancelledError("stopped");
      const ssize_t got = ::pread(fd_, buffer + done, length - done, static_cast<off_t>(at_));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return absl::DataLossError(fmt::format("cannot be read at {}", at_));
      if (got == 0) return absl::DataLossError(fmt::format("the file ends at {}", at_));
      done += static_cast<std::size_t>(got);
      at_ += static_cast<std::uint64_t>(got);
    }
    if (at_ - told_ >= limits::kCheckToldBytes) {
      told_ = at_;
      on_read_(at_);
    }
    Pace();
    return absl::OkStatus();
  }

 private:
  void Pace() {
    if (bytes_per_second_ == 0) return;
    const auto due = begun_ + std::chrono::duration<double>(static_cast<double>(at_) /
                                                            static_cast<double>(bytes_per_second_));
    const auto now = std::chrono::steady_clock::now();
    if (due > now)
      stop_.Pause(
          absl::FromChrono(std::chrono::duration_cast<std::chrono::nanoseconds>(due - now)));
  }

  const int fd_;
  const std::uint64_t bytes_per_second_;
  const std::function<void(std::uint64_t bytes)> on_read_;
  Stopping& stop_;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::uint64_t at_ = 0;
  std::uint64_t told_ = 0;
};

absl::Status CheckChunks(PacedReader& reader, const chunks::ChunkList& list) {
  std::vector<char> buffer(chunks::kMaxChunkBytes);
  for (std::size_t i = 0; i < list.chunks.size(); ++i) {
    const chunks::Chunk& chunk = list.chunks[i];
    if (absl::Status status = reader.Read(buffer.data(), chunk.length); !status.ok()) return status;
    if (chunks::Sha256::Of({buffer.data(), chunk.length}) != chunk.digest)
      return absl::DataLossError(fmt::format("chunk {} at {} is wrong", i, chunk.offset));
  }
  return absl::OkStatus();
}

absl::Status CheckWhole(PacedReader& reader, const v1::Image& image) {
  std::vector<char> buffer(limits::kHashBytes);
  chunks::Sha256 hash;
  for (std::uint64_t left = image.size_bytes(); left > 0;) {
    const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size()));
    if (absl::Status status = reader.Read(buffer.data(), step); !status.ok()) return status;
    hash.Add({buffer.data(), step});
    left -= step;
  }
  const chunks::Digest digest = hash.Take();
  const std::string hex =
      absl::BytesToHexString({reinterpret_cast<const char*>(digest.data()), digest.size()});
  return hex == image.sha256() ? absl::OkStatus() : absl::DataLossError("its SHA-256 is wrong");
}

}  // namespace

absl::Status CheckFile(const std::string& path,
                       const v1::Image& image,
                       const chunks::ChunkList* list,
                       std::uint64_t bytes_per_second,
                       std::function<void(std::uint64_t bytes)> on_read,
                       Stopping& stop) {
  const auto file = net::OpenFileSpan(path);
  if (!file.ok()) return absl::DataLossError(std::string(file.status().message()));
  if (file->length != image.size_bytes())
    return absl::DataLossError(fmt::format("the file has {} bytes", file->length));
  PacedReader reader(*file->fd, bytes_per_second, std::move(on_read), stop);
  return list != nullptr ? CheckChunks(reader, *list) : CheckWhole(reader, image);
}

Scrubber::Scrubber(runtime::Host& host, ImageLibrary& library, Metrics& metrics)
    : host_(host), library_(library), metrics_(metrics), timer_(host.home) {}

absl::StatusOr<std::shared_ptr<Entry>> Scrubber::Request(const std::string& image_id) {
  const auto at = library_.entries().find(image_id);
  if (at == library_.entries().end())
    return absl::NotFoundError(fmt::format("image {} is not known here", image_id));
  if (at->second->image.state() != v1::IMAGE_STATE_CACHED)
    return absl::FailedPreconditionError(fmt::format("image {} is not cached", image_id));
  requested_.insert(image_id);
  timer_.cancel();
  return at->second;
}

std::shared_ptr<Entry> Scrubber::Next(bool* asked) const {
  std::shared_ptr<Entry> oldest;
  *asked = false;
  const absl::Time due = host_.clock.Now() - limits::kVerifyInterval;
  for (const auto& [id, entry] : library_.entries()) {
    if (entry->image.state() != v1::IMAGE_STATE_CACHED) continue;
    if (requested_.contains(id)) {
      *asked = true;
      return entry;
    }
    const auto seconds = entry->image.verified_at().seconds();
    if (absl::FromUnixSeconds(seconds) > due) continue;
    if (oldest == nullptr || seconds < oldest->image.verified_at().seconds()) oldest = entry;
  }
  return oldest;
}

asio::awaitable<void> Scrubber::Run() {
  while (!stop_.begun()) {
    bool asked = false;
    const std::shared_ptr<Entry> next = Next(&asked);
    if (next != nullptr) {
      co_await Check(next, asked);
      continue;
    }
    requested_.clear();  // Not cached any more.
    timer_.expires_after(absl::ToChronoNanoseconds(limits::kScrubLook));
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

asio::awaitable<void> Scrubber::Check(std::shared_ptr<Entry> entry, bool asked) {
  const std::string image_id = entry->image.id();
  const std::uint64_t generation = entry->generation;
  // What is posted comes before the verdict.
  auto on_read = [this, entry](std::uint64_t bytes) {
    asio::post(host_.home, [entry, bytes] { entry->image.set_checked_bytes(bytes); });
  };
  auto check = [this, path = library_.FinalPath(*entry), image = entry->image, asked, on_read] {
    const auto list = library_.StoredList(image);
    const std::uint64_t pace = asked ? 0 : limits::kScrubBytesPerSecond;
    return CheckFile(path, image, list.get(), pace, on_read, stop_);
  };
  const absl::Status status = co_await async::OnPool(thread_, check);
  entry->image.clear_checked_bytes();
  requested_.erase(image_id);
  // Evicted or doubted meanwhile: the verdict is on a file that is not there any more.
  if (absl::IsCancelled(status) || entry->generation != generation ||
      entry->image.state() != v1::IMAGE_STATE_CACHED) {
    co_return;
  }
  metrics_.Scrubbed(status.ok() ? "right" : "wrong");
  if (status.ok()) {
    library_.Verified(*entry);
    host_.log.Info("cache.image_verified", {{"image", image_id}});
  } else {
    library_.Doubt(entry, std::string(status.message()));
  }
}

}  // namespace tentacle::cache
