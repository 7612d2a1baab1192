#include "services/cache/image_http.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "libs/async/on_pool.h"
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
struct Reader {
  Reader(std::shared_ptr<Entry> entry_in, net::FileSpan file_in, net::ByteRange range)
      : entry(std::move(entry_in)),
        hold(entry),
        file(std::move(file_in)),
        at(range.first),
        end(range.first + range.length),
        generation(entry->generation) {}

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
    if (Servable(*entry, range.first + range.length) > range.first) co_return absl::OkStatus();
    if (!entry->pull_runs) co_return absl::UnavailableError(WhyNot(*entry));
    if (entry->line == Line::kFlows) co_return absl::OkStatus();
    if (entry->line == Line::kFails) {
      co_return absl::UnavailableError(
          fmt::format("the image cannot be fetched just now: {}", entry->image.reason()));
    }
    if (!co_await Changed(entry, since))
      co_return absl::UnavailableError("the image waits for other pulls to end");
  }
}

asio::awaitable<absl::StatusOr<std::string>> NextPiece(std::shared_ptr<Reader> reader,
                                                       asio::thread_pool& blocking) {
  if (reader->at == reader->end) co_return std::string();
  const auto since = std::chrono::steady_clock::now();
  for (;;) {
    // The client sees a short body and begins anew, instead of a mixture.
    if (reader->entry->generation != reader->generation)
      co_return absl::AbortedError("the image was fetched anew");
    if (Servable(*reader->entry, reader->end) > reader->at) break;
    if (!reader->entry->pull_runs) co_return absl::UnavailableError(reader->entry->image.reason());
    if (!co_await Changed(reader->entry, since))
      co_return absl::DeadlineExceededError("no byte for too long");
  }
  const std::uint64_t there = std::min(Servable(*reader->entry, reader->end), reader->end);
  const auto want =
      static_cast<std::size_t>(std::min<std::uint64_t>(there - reader->at, limits::kServeBytes));
  auto read = [fd = reader->file.fd, at = reader->at, want] {
    std::string piece(want, '\0');
    const ssize_t got = ::pread(*fd, piece.data(), piece.size(), static_cast<off_t>(at));
    piece.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return piece;
  };
  std::string piece = co_await async::OnPool(blocking, read);
  // The file may have been emptied and filled anew while it was read.
  if (reader->entry->generation != reader->generation)
    co_return absl::AbortedError("the image was fetched anew");
  if (piece.empty())
    co_return absl::DataLossError("the image's file is shorter than its index says");
  reader->at += piece.size();
  co_return piece;
}

}  // namespace

asio::awaitable<net::HttpReply> ImageHttp::Handle(net::HttpRequest request) {
  net::HttpReply reply;
  if (request.method != "GET" && request.method != "HEAD") {
    reply = net::ProblemReply(405, "GET or HEAD only");
  } else if (!request.path.starts_with(kPrefix)) {
    reply = net::ProblemReply(404, "there is /images/{id}");
  } else {
    std::string image_id = request.path.substr(kPrefix.size());
    reply = co_await Image(std::move(request), std::move(image_id));
  }
  metrics_.Replied(reply.status);
  co_return reply;
}

asio::awaitable<net::HttpReply> ImageHttp::Image(net::HttpRequest request, std::string image_id) {
  if (const std::string idle = library_.IdleReason(); !idle.empty()) co_return Unavailable(idle);
  auto demanded = co_await library_.Demand(std::move(image_id), Asker::kClient);
  if (!demanded.ok()) co_return Refusal(demanded.status());
  const std::shared_ptr<Entry> entry = *std::move(demanded);
  const auto hold = std::make_shared<Reading>(entry);
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
  metrics_.Served(range.length);
  if (entry->image.state() == v1::IMAGE_STATE_CACHED) {
    file->offset = range.first;
    file->length = range.length;
    // Not evicted while it is sent: the hold goes with the descriptor.
    file->fd = std::shared_ptr<int>(file->fd.get(), [hold, fd = file->fd](int*) {});
    reply.file = *std::move(file);
    co_return reply;
  }
  reply.stream_length = range.length;
  reply.stream = StreamOf(entry, *std::move(file), range);
  co_return reply;
}

net::BodyStream ImageHttp::StreamOf(std::shared_ptr<Entry> entry,
                                    net::FileSpan file,
                                    net::ByteRange range) {
  auto reader = std::make_shared<Reader>(std::move(entry), std::move(file), range);
  return [reader, &blocking = blocking_] { return NextPiece(reader, blocking); };
}

}  // namespace tentacle::cache
