#include "services/cache/image_http.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "libs/text/view.h"
#include "services/cache/limits.h"

namespace tentacle::cache {

namespace {

namespace asio = boost::asio;

constexpr std::string_view kPrefix = "/images/";

net::HttpReply Unavailable(std::string_view detail) {
  net::HttpReply reply = net::ProblemReply(503, detail);
  reply.headers.emplace_back("Retry-After", "5");
  return reply;
}

net::HttpReply Refusal(const absl::Status& status) {
  if (absl::IsNotFound(status) || absl::IsInvalidArgument(status))
    return net::ProblemReply(404, text::Message(status));
  return Unavailable(text::Message(status));
}

// One sentence, also when the image has none of its own.
std::string WhyNot(const Entry& entry) {
  return entry.image.reason().empty() ? "the image is not here yet" : entry.image.reason();
}

// A client that reads an image while it arrives.
struct Sending {
  Sending(std::shared_ptr<Entry> entry_in, net::FileSpan file_in, net::ByteRange range, Reader who)
      : entry(std::move(entry_in)),
        hold(entry, who),
        file(std::move(file_in)),
        at(range.first),
        end(range.first + range.length),
        generation(entry->generation) {}

  // No byte was thrown away since.
  bool IsRight() const { return entry->generation == generation; }

  std::shared_ptr<Entry> entry;
  Reading hold;
  net::FileSpan file;
  std::uint64_t at;
  std::uint64_t end;
  std::uint64_t generation;
};

// Before the first line of an answer: OK when it is or will be there. Unavailable says why nothing
// can be expected.
asio::awaitable<absl::Status> Promise(std::shared_ptr<Entry> entry, net::ByteRange range) {
  const auto since = std::chrono::steady_clock::now();
  for (;;) {
    if (Servable(*entry, range.first, range.first + range.length) > range.first)
      co_return absl::OkStatus();
    if (!entry->pull_runs) co_return absl::UnavailableError(WhyNot(*entry));
    if (entry->line == Line::kFlows) co_return absl::OkStatus();
    if (entry->line == Line::kFails) {
      co_return absl::UnavailableError(
          fmt::format("the image cannot be fetched just now: {}", entry->image.reason()));
    }
    const bool alive = co_await Changed(entry, since, range.first);
    if (!alive) co_return absl::UnavailableError("the image waits for other pulls to end");
  }
}

// The next stretch that can be sent. The file is not read here: what is verified stays as it is,
// and the kernel sends it.
asio::awaitable<absl::StatusOr<net::FileSpan>> NextSpan(std::shared_ptr<Sending> sending) {
  const auto since = std::chrono::steady_clock::now();
  while (sending->at < sending->end) {
    // The client sees a short body and begins anew, instead of a mixture.
    if (!sending->IsRight()) co_return absl::AbortedError("the image was fetched anew");
    const std::uint64_t there = Servable(*sending->entry, sending->at, sending->end);
    if (there > sending->at) {
      net::FileSpan span = sending->file;
      span.offset = sending->at;
      span.length = std::min(there - sending->at, limits::kSpanBytes);
      sending->at += span.length;
      co_return span;
    }
    if (!sending->entry->pull_runs)
      co_return absl::UnavailableError(sending->entry->image.reason());
    const bool alive = co_await Changed(sending->entry, since, sending->at);
    if (!alive) co_return absl::DeadlineExceededError("no byte for too long");
  }
  co_return net::FileSpan{};
}

}  // namespace

asio::awaitable<net::HttpReply> ImageHttp::Handle(net::HttpRequest request, Reader who) {
  net::HttpReply reply;
  if (request.method != "GET" && request.method != "HEAD") {
    reply = net::ProblemReply(405, "GET or HEAD only");
  } else if (!request.path.starts_with(kPrefix)) {
    reply = net::ProblemReply(404, "there is /images/{id}");
  } else {
    std::string image_id = request.path.substr(kPrefix.size());
    reply = co_await Image(std::move(request), std::move(image_id), who);
  }
  metrics_.Replied(reply.status);
  co_return reply;
}

asio::awaitable<net::HttpReply> ImageHttp::Image(net::HttpRequest request,
                                                 std::string image_id,
                                                 Reader who) {
  if (const std::string idle = library_.IdleReason(); !idle.empty()) co_return Unavailable(idle);
  absl::StatusOr<std::shared_ptr<Entry>> found;
  if (who == Reader::kNeighbour)
    found = library_.FindHere(image_id);
  else
    found = co_await library_.Demand(std::move(image_id), PullClass::kClient);
  if (!found.ok()) co_return Refusal(found.status());
  const std::shared_ptr<Entry> entry = *std::move(found);
  const auto hold = std::make_shared<Reading>(entry, who);
  const std::string etag = fmt::format("\"{}\"", entry->image.sha256());
  const std::uint64_t size = entry->image.size_bytes();

  net::HttpReply reply;
  reply.headers = {
      {"Content-Type", "application/octet-stream"}, {"Accept-Ranges", "bytes"}, {"ETag", etag}};
  net::ByteRange range{0, size};
  net::RangeVerdict verdict = net::RangeVerdict::kWhole;
  const std::string_view condition = request.Header("If-Range");
  if (condition.empty() || condition == etag)
    verdict = net::ParseRange(request.Header("Range"), size, &range);
  if (verdict == net::RangeVerdict::kUnsatisfiable) {
    net::HttpReply refused = net::ProblemReply(416, "the range begins behind the end of the image");
    refused.headers.emplace_back("Content-Range", fmt::format("bytes */{}", size));
    co_return refused;
  }
  if (verdict == net::RangeVerdict::kPart) {
    reply.status = 206;
    reply.headers.emplace_back("Content-Range", fmt::format("bytes {}-{}/{}", range.first,
                                                            range.first + range.length - 1, size));
  }
  if (request.method == "HEAD") {
    reply.head_length = range.length;
    co_return reply;
  }
  if (absl::Status promised = co_await Promise(entry, range); !promised.ok()) {
    co_return Unavailable(text::Message(promised));
  }
  auto file = library_.OpenBytes(*entry);
  if (!file.ok()) co_return Unavailable(WhyNot(*entry));
  // Not evicted while it is sent: it is held.
  auto sending = std::make_shared<Sending>(entry, *std::move(file), range, who);
  reply.stream_length = range.length;
  reply.spans = [sending] { return NextSpan(sending); };
  reply.still_right = [sending] { return sending->IsRight(); };
  co_return reply;
}

}  // namespace tentacle::cache
