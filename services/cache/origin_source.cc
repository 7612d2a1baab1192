#include "services/cache/origin_source.h"

#include <fmt/format.h>

#include <algorithm>

#include "services/cache/core/range_reply.h"
#include "services/cache/limits.h"
#include "services/cache/unpacker.h"

namespace tentacle::cache {

// One request and its answer, judged before its first byte is used.
class OriginSource::Exchange {
 public:
  Exchange(const OriginSource& source, const ChunkRun& run, ChunkSink& sink, Stopping& stop)
      : source_(source),
        sink_(sink),
        stop_(stop),
        begin_(source.list_.chunks[run.first].offset),
        end_(source.list_.chunks[run.end() - 1].end()) {}

  absl::Status Run(net::KeptConnection& connection, bool packed) {
    packed_ = packed;
    auto request = MakeRequest(source_.origin_, source_.image_.id(), What());
    if (!request.ok()) return absl::UnavailableError(std::string(request.status().message()));
    if (packed_) {
      request->headers.emplace_back("Accept-Encoding", "zstd");
    } else if (end_ - begin_ < source_.image_.size_bytes()) {
      request->headers.emplace_back("Range", fmt::format("bytes={}-{}", begin_, end_ - 1));
      request->headers.emplace_back("If-Range", fmt::format("\"{}\"", source_.image_.sha256()));
    }
    request->total_timeout = absl::InfiniteDuration();
    request->cancel = &stop_.flag();
    request->connection = &connection;
    request->on_headers = [this](unsigned status, const net::HeaderList& headers) {
      return packed_ ? OnPackedHeaders(status, headers) : OnHeaders(status, headers);
    };
    request->on_body = [this](std::string_view piece) { return OnBody(piece); };
    if (source_.line_.limiter != nullptr)
      request->receive_window = [this] { return source_.line_.limiter->Window(); };
    const auto reply = FetchAsNode(source_.origin_, *std::move(request));
    if (stop_.begun()) return absl::CancelledError("stopped");
    if (!outcome_.ok()) return outcome_;
    if (taken_ == end_ - begin_) return absl::OkStatus();
    if (!reply.ok()) return absl::UnavailableError(std::string(reply.status().message()));
    return absl::UnavailableError("the line broke off");
  }

  // The backend does not know how to pack.
  bool no_such_route() const { return no_such_route_; }

 private:
  std::string What() const {
    return packed_ ? fmt::format("bytes?first={}&last={}", begin_, end_ - 1) : "pull";
  }

  bool OnHeaders(unsigned status, const net::HeaderList& headers) {
    const PullQuestion question{begin_, end_, source_.image_.size_bytes(), source_.image_.sha256()};
    const OriginAnswer answer{status, HeaderOf(headers, "Content-Range"),
                              HeaderOf(headers, "Content-Length"), HeaderOf(headers, "ETag"),
                              HeaderOf(headers, "Content-Type")};
    const PullJudgement judged = JudgeAnswer(question, answer);
    switch (judged.verdict) {
      case PullVerdict::kAppend:
        return true;
      case PullVerdict::kFromStart:
        // All of it, also where a part was asked for: what is before it goes nowhere.
        if (status == 200) {
          skip_ = begin_;
          return true;
        }
        outcome_ = absl::UnavailableError(judged.reason);
        return false;
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

  bool OnPackedHeaders(unsigned status, const net::HeaderList& headers) {
    const PackedAnswer judged =
        JudgePacked(source_.image_.sha256(), status, HeaderOf(headers, "Content-Encoding"),
                    HeaderOf(headers, "ETag"), HeaderOf(headers, "Content-Type"));
    no_such_route_ = judged == PackedAnswer::kCannot;
    unpacks_ = judged == PackedAnswer::kPacked;
    if (judged == PackedAnswer::kPacked || judged == PackedAnswer::kPlain) return true;
    outcome_ = judged == PackedAnswer::kChanged
                   ? absl::FailedPreconditionError(
                         "the backend's image has changed since it was announced")
                   : absl::UnavailableError(fmt::format("the backend answered {}", status));
    return false;
  }

  bool OnBody(std::string_view piece) {
    for (; outcome_.ok() && !piece.empty();
         piece.remove_prefix(std::min(piece.size(), limits::kLimiterBytes))) {
      const std::string_view step = piece.substr(0, limits::kLimiterBytes);
      source_.line_.Pass(step.size(), stop_);
      outcome_ =
          unpacks_ ? unpacker_.Add(step, [this](std::string_view bytes) { return Deliver(bytes); })
                   : Deliver(step);
      if (skipped_rest_) return false;
    }
    return outcome_.ok();
  }

  absl::Status Deliver(std::string_view bytes) {
    const std::uint64_t skipped = std::min<std::uint64_t>(skip_, bytes.size());
    skip_ -= skipped;
    bytes.remove_prefix(skipped);
    const std::uint64_t left = end_ - begin_ - taken_;
    // An answer of the whole goes on behind the part: nobody needs that. One of the part must not.
    skipped_rest_ = bytes.size() > left;
    if (skipped_rest_ && packed_) return absl::UnavailableError("more bytes than were asked for");
    bytes = bytes.substr(0, left);
    taken_ += bytes.size();
    return bytes.empty() ? absl::OkStatus() : sink_.Take(bytes);
  }

  const OriginSource& source_;
  ChunkSink& sink_;
  Stopping& stop_;
  const std::uint64_t begin_;
  const std::uint64_t end_;
  bool packed_ = false;
  bool unpacks_ = false;
  bool no_such_route_ = false;
  bool skipped_rest_ = false;
  Unpacker unpacker_;
  std::uint64_t skip_ = 0;
  std::uint64_t taken_ = 0;
  absl::Status outcome_;
};

absl::Status OriginSource::Fetch(const ChunkRun& run, ChunkSink& sink, Stopping& stop) {
  if (packs_) {
    Exchange packed(*this, run, sink, stop);
    const absl::Status status = packed.Run(connection_, true);
    if (!packed.no_such_route()) return status;
    packs_ = false;
  }
  return Exchange(*this, run, sink, stop).Run(connection_, false);
}

}  // namespace tentacle::cache
