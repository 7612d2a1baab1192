// The pulling half of the library: room, pull threads, trouble, the end.
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "libs/async/on_pool.h"
#include "libs/retry/backoff.h"
#include "services/cache/core/eviction.h"
#include "services/cache/image_library.h"
#include "services/cache/limits.h"

namespace tentacle::cache {

namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
namespace json = boost::json;
using event::v1::PRIORITY_RESULT;

std::uint64_t SizeOf(const std::string& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  return error ? 0 : size;
}

std::uint64_t DiskFree(const std::string& path) {
  struct statvfs info {};

  if (::statvfs(path.c_str(), &info) != 0) return 0;
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

std::string_view OutcomeOf(const absl::Status& status) {
  if (status.ok()) return "cached";
  if (absl::IsDataLoss(status)) return "wrong_hash";
  if (absl::IsResourceExhausted(status)) return "no_room";
  if (absl::IsNotFound(status)) return "not_found";
  return absl::IsCancelled(status) ? "stopped" : "failed";
}

}  // namespace

absl::Status ImageLibrary::MakeRoom(const Entry& wanted) {
  std::vector<Resident> residents;
  std::uint64_t promised = 0;  // Of the disk, to pulls that are not complete.
  for (const auto& [id, entry] : entries_) {
    if (id == wanted.image.id()) continue;
    const std::uint64_t present = entry->image.present_bytes();
    const std::uint64_t bytes =
        entry->pull_runs ? std::max(present, entry->image.size_bytes()) : present;
    promised += bytes - present;
    residents.push_back({id, bytes, absl::FromUnixSeconds(entry->image.last_used_at().seconds()),
                         !entry->pull_runs && entry->readers == 0});
  }
  const std::uint64_t on_disk = DiskFree(folder_);
  const std::uint64_t disk_free = on_disk - std::min(on_disk, promised);
  const auto& config = host_.config.current().cache();
  const std::uint64_t need =
      wanted.image.size_bytes() - std::min(wanted.image.present_bytes(), wanted.image.size_bytes());
  const auto victims =
      PlanEviction(residents, {config.max_bytes(), disk_free, config.min_free_bytes()}, need);
  if (!victims.ok()) return victims.status();
  for (const std::string& id : *victims) {
    const auto freed = Evict(id);
    if (!freed.ok()) return freed.status();
  }
  return absl::OkStatus();
}

absl::Status ImageLibrary::StartPull(std::shared_ptr<Entry> entry) {
  if (absl::Status status = MakeRoom(*entry); !status.ok()) return status;
  entry->pull_runs = true;
  entry->line = Line::kAsked;
  entry->image.clear_reason();
  Move(*entry, ImageEvent::kDemanded);
  host_.log.Info("cache.pull_started", {{"image", entry->image.id()},
                                        {"bytes", entry->image.size_bytes()},
                                        {"present", entry->image.present_bytes()}});
  auto run = RunPull(std::move(entry));
  asio::co_spawn(host_.home, std::move(run), asio::detached);
  return absl::OkStatus();
}

PullJob ImageLibrary::MakeJob(const std::shared_ptr<Entry>& entry) {
  PullJob job;
  job.origin = MakeOrigin();
  job.image = entry->image;
  job.part_path = Part(entry->image.id());
  job.final_path = Final(entry->image.id());
  job.retries = retries_;
  job.stop = &stop_;
  // Each of these hops to the home thread.
  job.on_progress = [this, entry](std::uint64_t present) {
    asio::post(host_.home, [this, entry, present] {
      if (present > entry->image.present_bytes()) entry->Arrived(present);
      TellProgress(*entry, false);
    });
  };
  job.on_trouble = [this, entry](const std::string& reason) {
    asio::post(host_.home, [this, entry, reason] {
      metrics_.PullTrouble();
      host_.log.Warning("cache.pull_retries", {{"image", entry->image.id()}, {"reason", reason}});
      if (entry->image.state() == v1::IMAGE_STATE_VERIFYING) Move(*entry, ImageEvent::kHashWrong);
      entry->image.set_reason(reason);
      entry->line = Line::kFails;
      entry->Tell();
      TellProgress(*entry, true);
    });
  };
  job.on_verifying = [this, entry] {
    asio::post(host_.home, [this, entry] {
      entry->Arrived(entry->image.size_bytes());
      Move(*entry, ImageEvent::kBytesComplete);
    });
  };
  job.on_restart = [this, entry] {
    asio::post(host_.home, [entry] {
      ++entry->generation;
      entry->image.set_present_bytes(0);
      entry->Tell();
    });
  };
  job.on_fetched = [this](std::uint64_t bytes) {
    asio::post(host_.home, [this, bytes] { metrics_.Fetched(bytes); });
  };
  return job;
}

// One series of tries after the other for as long as somebody wants the image. Between two series
// the thread is others'.
asio::awaitable<void> ImageLibrary::RunPull(std::shared_ptr<Entry> entry) {
  retry::Backoff backoff(retries_);
  for (;;) {
    const std::uint64_t before = entry->image.present_bytes();
    auto pull = [job = MakeJob(entry)] { return cache::Pull(job); };
    const absl::Status status = co_await async::OnPool(pulls_, pull);
    // What the pull thread has posted comes first.
    co_await asio::post(asio::use_awaitable);
    const bool wanted = entry->readers > 0 || host_.clock.Now() < entry->wanted_until;
    if (!absl::IsUnavailable(status) || !wanted || stop_.begun()) {
      // A try that failed while everything ends is no verdict on the image: it goes on at the next
      // start.
      const bool broken_off = absl::IsUnavailable(status) && stop_.begun();
      Ended(*entry, broken_off ? absl::CancelledError("stopped") : status);
      co_return;
    }
    entry->image.set_present_bytes(SizeOf(Part(entry->image.id())));
    if (entry->image.present_bytes() > before) backoff.Reset();
    const absl::Duration delay = backoff.Next(Jitter());
    host_.log.Warning("cache.pull_waits", {{"image", entry->image.id()},
                                           {"reason", entry->image.reason()},
                                           {"delay_ms", absl::ToInt64Milliseconds(delay)}});
    co_await WaitWhileIdle(delay);
  }
}

// Neither does a pull begin anew while the cache is switched off.
asio::awaitable<void> ImageLibrary::WaitWhileIdle(absl::Duration at_least) {
  asio::steady_timer timer(host_.home, absl::ToChronoNanoseconds(at_least));
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  while (!IdleReason().empty()) {
    co_await configured_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

void ImageLibrary::Ended(Entry& entry, const absl::Status& status) {
  entry.pull_runs = false;
  metrics_.PullEnded(OutcomeOf(status));
  v1::Image& image = entry.image;
  if (status.ok()) {
    image.clear_reason();
    image.set_present_bytes(image.size_bytes());
    image.mutable_cached_at()->set_seconds(absl::ToUnixSeconds(host_.clock.Now()));
    Move(entry, ImageEvent::kHashRight);
    host_.log.Info("cache.image_cached", {{"image", image.id()}, {"bytes", image.size_bytes()}});
    const json::object body{
        {"imageId", image.id()}, {"size", image.size_bytes()}, {"sha256", image.sha256()}};
    host_.events.Publish(events::MakeEvent("image.cached", image.id(), PRIORITY_RESULT,
                                           json::serialize(body), host_.clock.Now()));
    return;
  }
  if (absl::IsCancelled(status)) {
    entry.Tell();  // Who waits for its bytes waits in vain.
    return;
  }
  image.set_reason(std::string(status.message()));
  entry.failed_at = host_.clock.Now();
  if (absl::IsFailedPrecondition(status) || absl::IsNotFound(status)) {
    // The backend has something else under this id now: what is here can never be completed.
    ::unlink(Part(image.id()).c_str());
    ++entry.generation;
  }
  image.set_present_bytes(SizeOf(Part(image.id())));
  // Refused before it began.
  if (image.state() == v1::IMAGE_STATE_ABSENT) Move(entry, ImageEvent::kDemanded);
  Move(entry, ImageEvent::kGaveUp);
  host_.log.Error("cache.pull_failed", {{"image", image.id()}, {"reason", image.reason()}});
}

}  // namespace tentacle::cache
