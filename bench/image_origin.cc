// An origin of images for bench/cache.sh: the backend's three routes over files, from the page
// cache by sendfile, and never faster than it is told. Counts what it sends.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <string>

#include <absl/strings/escaping.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "backend/packer.h"
#include "libs/chunks/chunk_list.h"
#include "libs/net/http_server.h"

namespace {

namespace asio = boost::asio;
namespace net = tentacle::net;
namespace chunks = tentacle::chunks;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kReadBytes = 1 << 20;
constexpr std::uint64_t kStepBytes = 64 * 1024;
constexpr auto kQueue = std::chrono::milliseconds(20);

struct Image {
  std::string path;
  std::uint64_t size = 0;
  std::string sha256;
  std::string list;
};

Image Load(const std::string& path) {
  Image image{path, 0, "", ""};
  chunks::ListBuilder builder;
  std::ifstream file(path, std::ios::binary);
  std::string buffer(kReadBytes, '\0');
  while (file) {
    file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    builder.Add(std::string_view(buffer).substr(0, static_cast<std::size_t>(file.gcount())));
    image.size += static_cast<std::uint64_t>(file.gcount());
  }
  const chunks::Digest whole = builder.Whole();
  image.sha256 =
      absl::BytesToHexString({reinterpret_cast<const char*>(whole.data()), whole.size()});
  image.list = chunks::Encode(builder.Finish().value());
  return image;
}

// One line for all answers.
struct Line {
  double bytes_per_second = 0;  // 0: as fast as it goes.
  Clock::time_point free_at = Clock::now();
  std::uint64_t sent = 0;
  std::uint64_t requests = 0;
};

asio::awaitable<absl::StatusOr<net::FileSpan>> Next(std::shared_ptr<net::FileSpan> rest,
                                                    Line& line) {
  net::FileSpan span = *rest;
  if (line.bytes_per_second > 0) span.length = std::min(span.length, kStepBytes);
  rest->offset += span.length;
  rest->length -= span.length;
  line.sent += span.length;
  if (line.bytes_per_second > 0 && span.length > 0) {
    const auto took =
        std::chrono::duration<double>(static_cast<double>(span.length) / line.bytes_per_second);
    // What waits in the queue of a line does not wait for whoever fills it: a sender that comes a
    // little late loses nothing.
    line.free_at = std::max(line.free_at, Clock::now() - kQueue) +
                   std::chrono::duration_cast<Clock::duration>(took);
    asio::steady_timer timer(co_await asio::this_coro::executor, line.free_at);
    co_await timer.async_wait(asio::use_awaitable);
  }
  co_return span;
}

net::HttpReply Pull(const Image& image, const net::HttpRequest& request, Line& line) {
  auto span = net::OpenFileSpan(image.path);
  if (!span.ok()) return net::ProblemReply(404, "no such file");
  net::HttpReply reply;
  reply.headers = {{"Content-Type", "application/octet-stream"},
                   {"Accept-Ranges", "bytes"},
                   {"ETag", fmt::format("\"{}\"", image.sha256)}};
  net::ByteRange range;
  const auto verdict = net::ParseRange(request.Header("Range"), image.size, &range);
  if (verdict == net::RangeVerdict::kUnsatisfiable) return net::ProblemReply(416, "behind the end");
  if (verdict == net::RangeVerdict::kPart) {
    reply.status = 206;
    reply.headers.emplace_back(
        "Content-Range",
        fmt::format("bytes {}-{}/{}", range.first, range.first + range.length - 1, image.size));
  }
  span->offset = range.first;
  span->length = range.length;
  reply.stream_length = range.length;
  reply.spans = [rest = std::make_shared<net::FileSpan>(*std::move(span)), &line] {
    return Next(rest, line);
  };
  return reply;
}

asio::awaitable<absl::StatusOr<std::string>> NextPacked(
    std::shared_ptr<tentacle::backend::Packer> packer, Line& line) {
  auto packed = packer->Next();
  if (packed.ok()) line.sent += packed->size();
  co_return packed;
}

// As the backend does it.
net::HttpReply Bytes(const Image& image, const net::HttpRequest& request, Line& line) {
  auto span = net::OpenFileSpan(image.path);
  if (!span.ok()) return net::ProblemReply(404, "no such file");
  span->offset = std::strtoull(request.Query("first").value_or("0").c_str(), nullptr, 10);
  span->length =
      std::strtoull(request.Query("last").value_or("0").c_str(), nullptr, 10) + 1 - span->offset;
  net::HttpReply reply;
  reply.headers = {{"ETag", fmt::format("\"{}\"", image.sha256)}, {"Content-Encoding", "zstd"}};
  const auto packer = std::make_shared<tentacle::backend::Packer>(*std::move(span));
  reply.stream = [packer, &line] { return NextPacked(packer, line); };
  return reply;
}

}  // namespace

// image_origin PORT MEGABYTES_PER_SECOND ID=FILE...; GET /count and /reset tell and forget what was
// sent.
int main(int argc, char** argv) {
  if (argc < 4) {
    std::fputs("image_origin PORT MEGABYTES_PER_SECOND ID=FILE...\n", stderr);
    return 64;
  }
  std::map<std::string, Image> images;
  for (int i = 3; i < argc; ++i) {
    const std::string word = argv[i];
    images[word.substr(0, word.find('='))] = Load(word.substr(word.find('=') + 1));
  }
  Line line;
  line.bytes_per_second = std::atof(argv[2]) * 1e6;
  const auto answer = [&](const net::HttpRequest& request) -> net::HttpReply {
    if (request.path == "/count")
      return net::TextReply(200, fmt::format("{} {}\n", line.sent, line.requests));
    if (request.path == "/reset") {
      line.sent = line.requests = 0;
      return net::TextReply(200, "");
    }
    const auto slash = request.path.rfind('/');
    const auto before = request.path.rfind('/', slash - 1);
    if (slash == std::string::npos || slash == 0 || before == std::string::npos)
      return net::ProblemReply(404, "no");
    const auto at = images.find(request.path.substr(before + 1, slash - before - 1));
    if (at == images.end()) return net::ProblemReply(404, "no such image");
    const Image& image = at->second;
    const std::string what = request.path.substr(slash + 1);
    ++line.requests;
    if (what == "meta") {
      return net::JsonReply(
          200,
          fmt::format(R"({{"id":"{}","name":"{}","sha256":"{}","sizeBytes":{},"format":"{}"}})",
                      at->first, at->first, image.sha256, image.size,
                      image.path.ends_with(".img") ? "raw" : "packed"));
    }
    if (what == "chunks") {
      line.sent += image.list.size();
      return net::TextReply(200, image.list, "application/vnd.octofleet.chunks");
    }
    if (what == "bytes") return Bytes(image, request, line);
    return Pull(image, request, line);
  };
  asio::io_context io(1);
  auto handler = [&answer](const net::HttpRequest& request) -> asio::awaitable<net::HttpReply> {
    co_return answer(request);
  };
  net::HttpLimits limits;
  limits.connections = 4096;
  net::HttpServer server(io.get_executor(), handler, limits);
  if (const auto status = server.Listen(fmt::format("127.0.0.1:{}", argv[1])); !status.ok()) {
    std::fprintf(stderr, "image_origin: %s\n", std::string(status.message()).c_str());
    return 1;
  }
  auto run = server.Run();
  asio::co_spawn(io, std::move(run), [](std::exception_ptr, absl::Status) {});
  io.run();
  return 0;
}
