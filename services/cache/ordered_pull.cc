// A pull without a chunk list: the bytes in their order, resumed where the file ends, checked as a
// whole.
#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include <absl/strings/escaping.h>

#include "services/cache/core/range_reply.h"
#include "services/cache/part_file.h"
#include "services/cache/puller.h"
#include "services/cache/whole_hash.h"

namespace tentacle::cache {

namespace {

// The part file, filled from its start on, with the running hash of what is in it.
class OrderedPart {
 public:
  explicit OrderedPart(std::uint64_t image_bytes) : image_bytes_(image_bytes) {}

  // What an earlier run left is hashed too, so that a resumed pull is verified as a whole.
  absl::Status Open(const std::string& path) {
    if (absl::Status status = file_.Open(path); !status.ok()) return status;
    const auto size = file_.Size();
    if (!size.ok()) return size.status();
    size_ = *size;
    if (size_ > image_bytes_) {
      // What is right of it the hash says.
      size_ = image_bytes_;
      if (absl::Status status = file_.Resize(size_); !status.ok()) return status;
    }
    BeginHash();
    return absl::OkStatus();
  }

  absl::Status Append(std::string_view bytes) {
    if (absl::Status put = file_.Write(size_, bytes); !put.ok()) return put;
    size_ += bytes.size();
    hash_->Reach(size_);
    return absl::OkStatus();
  }

  absl::Status Clear() {
    hash_.reset();
    size_ = 0;
    absl::Status status = file_.Resize(0);
    BeginHash();
    return status;
  }

  // Of the whole. Empty: it broke off.
  std::string Sha256(Stopping& stop) {
    const auto digest = hash_->Finish(stop);
    if (!digest) return "";
    return absl::BytesToHexString({reinterpret_cast<const char*>(digest->data()), digest->size()});
  }

  absl::Status Publish(const PullJob& job) { return file_.Publish(job.part_path, job.final_path); }

  std::uint64_t size() const { return size_; }

 private:
  void BeginHash() {
    hash_ = std::make_unique<WholeHash>(file_, image_bytes_);
    hash_->Reach(size_);
  }

  const std::uint64_t image_bytes_;
  PartFile file_;
  std::uint64_t size_ = 0;
  std::unique_ptr<WholeHash> hash_;
};

// One HTTP exchange: appends to `part` what the origin gives.
class Fetching {
 public:
  Fetching(const PullJob& job, OrderedPart& part)
      : job_(job), part_(part), room_checked_(part.size()) {}

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
    if (job_.line.limiter != nullptr)
      request->receive_window = [this] { return job_.line.limiter->Window(); };
    const auto reply = FetchAsNode(job_.origin, *std::move(request));
    if (!outcome_.ok()) return outcome_;
    if (job_.stop->begun()) return absl::CancelledError("stopped");
    if (!reply.ok()) return absl::UnavailableError(std::string(reply.status().message()));
    return absl::OkStatus();
  }

 private:
  bool OnHeaders(unsigned status, const net::HeaderList& headers) {
    const std::uint64_t size = job_.image.size_bytes();
    const PullQuestion question{part_.size(), size, size, job_.image.sha256()};
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
    while (outcome_.ok() && !piece.empty()) {
      OnStep(piece.substr(0, limits::kLimiterBytes));
      piece.remove_prefix(std::min(piece.size(), limits::kLimiterBytes));
    }
    return outcome_.ok();
  }

  void OnStep(std::string_view step) {
    job_.line.Pass(step.size(), *job_.stop);
    if (job_.stop->begun()) outcome_ = absl::CancelledError("stopped");
    if (outcome_.ok() && part_.size() + step.size() > job_.image.size_bytes()) {
      outcome_ = absl::FailedPreconditionError("the backend sends more bytes than it announced");
    }
    if (outcome_.ok()) outcome_ = part_.Append(step);
    if (outcome_.ok() && part_.size() - room_checked_ >= limits::kRoomCheckBytes) {
      room_checked_ = part_.size();
      outcome_ = CheckFree(job_.part_path, job_.min_free_bytes);
    }
    if (!outcome_.ok()) return;
    if (part_.size() - told_ >= limits::kNotifyBytes || part_.size() == job_.image.size_bytes()) {
      told_ = part_.size();
      job_.on_progress(part_.size());
    }
  }

  const PullJob& job_;
  OrderedPart& part_;
  absl::Status outcome_;
  std::uint64_t told_ = 0;
  std::uint64_t room_checked_;
};

absl::Status FetchAll(const PullJob& job, OrderedPart& part) {
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

}  // namespace

absl::Status PullInOrder(const PullJob& job) {
  OrderedPart part(job.image.size_bytes());
  absl::Status status = part.Open(job.part_path);
  if (!status.ok()) return status;
  job.on_found(part.size());
  for (int hash_try = 1;; ++hash_try) {
    status = FetchAll(job, part);
    if (!status.ok()) return status;
    job.on_verifying();
    const std::string seen = part.Sha256(*job.stop);
    if (job.stop->begun()) return absl::CancelledError("stopped");
    if (seen == job.image.sha256()) {
      job.on_right();
      return part.Publish(job);
    }
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
