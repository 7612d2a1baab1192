#include "services/cache/puller.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <random>
#include <vector>

#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/time/clock.h>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <openssl/evp.h>

#include "libs/identity/identity.h"
#include "libs/net/clock_floor.h"
#include "libs/net/http_client.h"
#include "libs/retry/backoff.h"
#include "libs/text/view.h"
#include "services/cache/core/range_reply.h"
#include "services/cache/limits.h"

namespace tentacle::cache {

namespace {

namespace json = boost::json;

std::string_view HeaderOf(const net::HeaderList& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (absl::EqualsIgnoreCase(text::AbslView(key), text::AbslView(name))) return value;
  }
  return {};
}

absl::StatusOr<net::ClientRequest> MakeRequest(const Origin& origin,
                                               const std::string& image_id,
                                               const char* what) {
  if (origin.backend.url().empty() || origin.node_id.empty()) {
    return absl::FailedPreconditionError("this tentacle is not enrolled yet");
  }
  const auto key = identity::IdentityKey::Load(origin.key_file);
  if (!key.ok()) return key.status();
  net::ClientRequest request;
  request.url =
      fmt::format("{}/api/v1/tentacles/images/{}/{}", origin.backend.url(), image_id, what);
  request.headers = {
      {"Authorization", "Bearer " + identity::MakeToken(*key, origin.node_id, absl::Now())}};
  request.tls.ca_file = origin.backend.ca_file();
  request.tls.clock_floor = net::ClockFloor(std::filesystem::path(origin.key_file).parent_path());
  request.tls.pins = {origin.backend.pins().begin(), origin.backend.pins().end()};
  return request;
}

// The part file with the running hash of what is in it.
class PartFile {
 public:
  PartFile() : digest_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    EVP_DigestInit_ex(digest_.get(), EVP_sha256(), nullptr);
  }

  ~PartFile() {
    if (fd_ >= 0) ::close(fd_);
  }

  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  // Hashes what an earlier run left, so that a resumed pull is verified as a whole.
  absl::Status Open(const std::string& path, std::uint64_t max_size) {
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd_ < 0) return absl::ErrnoToStatus(errno, path);

    struct stat info {};

    if (::fstat(fd_, &info) != 0) return absl::ErrnoToStatus(errno, path);
    if (static_cast<std::uint64_t>(info.st_size) > max_size) return Clear();
    std::vector<char> buffer(limits::kHashBytes);
    for (;;) {
      const ssize_t got = ::pread(fd_, buffer.data(), buffer.size(), static_cast<off_t>(size_));
      if (got < 0) return absl::ErrnoToStatus(errno, path);
      if (got == 0) return absl::OkStatus();
      EVP_DigestUpdate(digest_.get(), buffer.data(), static_cast<std::size_t>(got));
      size_ += static_cast<std::uint64_t>(got);
    }
  }

  absl::Status Append(std::string_view bytes) {
    EVP_DigestUpdate(digest_.get(), bytes.data(), bytes.size());
    while (!bytes.empty()) {
      const ssize_t put = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0 && errno == ENOSPC) return absl::ResourceExhaustedError("the disk is full");
      if (put < 0) return absl::ErrnoToStatus(errno, "writing the image");
      bytes.remove_prefix(static_cast<std::size_t>(put));
      size_ += static_cast<std::uint64_t>(put);
    }
    return absl::OkStatus();
  }

  absl::Status Clear() {
    EVP_DigestInit_ex(digest_.get(), EVP_sha256(), nullptr);
    size_ = 0;
    return ::ftruncate(fd_, 0) == 0 ? absl::OkStatus()
                                    : absl::ErrnoToStatus(errno, "truncating the image");
  }

  std::string Sha256() {
    std::string sum(32, '\0');
    EVP_DigestFinal_ex(digest_.get(), reinterpret_cast<unsigned char*>(sum.data()), nullptr);
    return absl::BytesToHexString(sum);
  }

  // Under its final name only once it is on the disk for good.
  absl::Status Publish(const std::string& part_path, const std::string& final_path) {
    if (::fsync(fd_) != 0) return absl::ErrnoToStatus(errno, part_path);
    if (::rename(part_path.c_str(), final_path.c_str()) != 0)
      return absl::ErrnoToStatus(errno, final_path);
    const std::string folder = std::filesystem::path(final_path).parent_path().string();
    const int dir = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool synced = dir >= 0 && ::fsync(dir) == 0;
    if (dir >= 0) ::close(dir);
    return synced ? absl::OkStatus() : absl::ErrnoToStatus(errno, folder);
  }

  std::uint64_t size() const { return size_; }

 private:
  int fd_ = -1;
  std::uint64_t size_ = 0;
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest_;
};

// One HTTP exchange: appends to `part` what the origin gives.
class Fetching {
 public:
  Fetching(const PullJob& job, PartFile& part) : job_(job), part_(part) {}

  // OK: bytes came, perhaps not all. Unavailable: try again. Anything else ends the pull.
  absl::Status Run() {
    auto request = MakeRequest(job_.origin, job_.image.id(), "pull");
    if (!request.ok()) return absl::UnavailableError(std::string(request.status().message()));
    if (part_.size() > 0) {
      request->headers.emplace_back("Range", fmt::format("bytes={}-", part_.size()));
      request->headers.emplace_back("If-Range", fmt::format("\"{}\"", job_.image.sha256()));
    }
    request->total_timeout = absl::InfiniteDuration();
    request->cancel = &job_.stop->flag();
    request->on_headers = [this](unsigned status, const net::HeaderList& headers) {
      return OnHeaders(status, headers);
    };
    request->on_body = [this](std::string_view piece) { return OnBody(piece); };
    const auto reply = net::Fetch(*request);
    if (!outcome_.ok()) return outcome_;
    if (job_.stop->begun()) return absl::CancelledError("stopped");
    if (!reply.ok()) return absl::UnavailableError(std::string(reply.status().message()));
    return absl::OkStatus();
  }

 private:
  bool OnHeaders(unsigned status, const net::HeaderList& headers) {
    const PullQuestion question{part_.size(), job_.image.size_bytes(), job_.image.sha256()};
    const OriginAnswer answer{status, HeaderOf(headers, "Content-Range"),
                              HeaderOf(headers, "Content-Length"), HeaderOf(headers, "ETag"),
                              HeaderOf(headers, "Content-Type")};
    const PullJudgement judged = JudgeAnswer(question, answer);
    switch (judged.verdict) {
      case PullVerdict::kAppend:
        return true;
      case PullVerdict::kFromStart:
        if (part_.size() > 0) {
          job_.on_restart();
          outcome_ = part_.Clear();
        }
        if (outcome_.ok() && status != 200) outcome_ = absl::UnavailableError(judged.reason);
        return outcome_.ok();
      case PullVerdict::kRetry:
        outcome_ = absl::UnavailableError(judged.reason);
        return false;
      case PullVerdict::kGiveUp:
        outcome_ = status == 404 || status == 410 ? absl::NotFoundError(judged.reason)
                                                  : absl::FailedPreconditionError(judged.reason);
        return false;
    }
    return false;
  }

  bool OnBody(std::string_view piece) {
    if (job_.stop->begun()) outcome_ = absl::CancelledError("stopped");
    if (outcome_.ok() && part_.size() + piece.size() > job_.image.size_bytes()) {
      outcome_ = absl::FailedPreconditionError("the backend sends more bytes than it announced");
    }
    if (outcome_.ok()) outcome_ = part_.Append(piece);
    if (!outcome_.ok()) return false;
    job_.on_fetched(piece.size());
    if (part_.size() - told_ >= limits::kNotifyBytes || part_.size() == job_.image.size_bytes()) {
      told_ = part_.size();
      job_.on_progress(part_.size());
    }
    return true;
  }

  const PullJob& job_;
  PartFile& part_;
  absl::Status outcome_;
  std::uint64_t told_ = 0;
};

absl::Status FetchAll(const PullJob& job, PartFile& part) {
  retry::Backoff backoff(job.retries);
  int fruitless = 0;
  while (part.size() < job.image.size_bytes()) {
    if (job.stop->begun()) return absl::CancelledError("stopped");
    const std::uint64_t before = part.size();
    const absl::Status status = Fetching(job, part).Run();
    if (!status.ok() && !absl::IsUnavailable(status)) return status;
    if (part.size() == job.image.size_bytes()) break;
    if (part.size() > before) backoff.Reset();
    const std::string reason = status.ok() ? "the line broke off" : std::string(status.message());
    job.on_trouble(reason);
    fruitless = part.size() > before ? 0 : fruitless + 1;
    if (fruitless == limits::kFruitlessTries) return absl::UnavailableError(reason);
    job.stop->Pause(backoff.Next(Jitter()));
  }
  return absl::OkStatus();
}

std::string TextOf(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::uint64_t NumberOf(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_int64() && value->as_int64() > 0
             ? static_cast<std::uint64_t>(value->as_int64())
             : 0;
}

}  // namespace

double Jitter() {
  std::random_device random;
  return static_cast<double>(random()) / static_cast<double>(std::random_device::max());
}

absl::StatusOr<v1::Image> FetchMeta(const Origin& origin, const std::string& image_id) {
  auto request = MakeRequest(origin, image_id, "meta");
  if (!request.ok()) return request.status();
  request->total_timeout = limits::kMetaTimeout;
  const auto reply = net::Fetch(*request);
  if (!reply.ok()) return reply.status();
  if (reply->status == 404)
    return absl::NotFoundError(fmt::format("the backend has no image {}", image_id));
  if (reply->status != 200) {
    return absl::UnavailableError(
        fmt::format("the backend answered {} when asked for image {}", reply->status, image_id));
  }
  boost::system::error_code error;
  const json::value value = json::parse(reply->body, error);
  if (error || !value.is_object())
    return absl::UnavailableError("the backend's metadata is not a JSON object");
  const json::object& meta = value.as_object();
  v1::Image image;
  image.set_id(image_id);
  image.set_name(TextOf(meta, meta.contains("displayName") ? "displayName" : "name"));
  image.set_sha256(TextOf(meta, "sha256"));
  image.set_format(TextOf(meta, "format"));
  image.set_size_bytes(NumberOf(meta, "sizeBytes"));
  image.set_unpacked_size_bytes(NumberOf(meta, "unpackedSizeBytes"));
  image.set_state(v1::IMAGE_STATE_ABSENT);
  if (image.sha256().size() != 64 || image.size_bytes() == 0) {
    return absl::FailedPreconditionError(
        fmt::format("the backend's metadata of image {} has no size or hash", image_id));
  }
  return image;
}

absl::Status Pull(const PullJob& job) {
  PartFile part;
  absl::Status status = part.Open(job.part_path, job.image.size_bytes());
  if (!status.ok()) return status;
  job.on_progress(part.size());
  for (int hash_try = 1;; ++hash_try) {
    status = FetchAll(job, part);
    if (!status.ok()) return status;
    job.on_verifying();
    const std::string seen = part.Sha256();
    if (seen == job.image.sha256()) return part.Publish(job.part_path, job.final_path);
    job.on_restart();
    status = part.Clear();
    if (!status.ok()) return status;
    const std::string reason = fmt::format("the image's SHA-256 is {}, announced was {}",
                                           seen.substr(0, 16), job.image.sha256().substr(0, 16));
    if (hash_try == limits::kHashTries) {
      ::unlink(job.part_path.c_str());
      return absl::DataLossError(reason);
    }
    job.on_trouble(reason);
  }
}

}  // namespace tentacle::cache
