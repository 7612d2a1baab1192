// A stretch of an image, packed on the way: what a tentacle lacks of an image is mostly fetched
// over a slow line.
#include <fmt/format.h>

#include <memory>
#include <string>

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>

#include "backend/api/api.h"
#include "backend/packer.h"
#include "libs/async/on_pool.h"
#include "libs/text/view.h"

namespace tentacle::backend {

namespace {

namespace asio = boost::asio;

// Each takes a good part of a core. Who comes later gets the bytes as they are: a fast answer is
// worth more than a small one then.
constexpr int kMaxPacking = 2;

// Counted for as long as it lives.
struct Packing {
  Packing(net::FileSpan span, int& count_in) : packer(std::move(span)), count(count_in) { ++count; }

  ~Packing() { --count; }

  Packing(const Packing&) = delete;
  Packing& operator=(const Packing&) = delete;

  Packer packer;
  int& count;
};

asio::awaitable<absl::StatusOr<std::string>> NextPacked(std::shared_ptr<Packing> packing,
                                                        asio::thread_pool& blocking) {
  auto next = [packing] { return packing->packer.Next(); };
  co_return co_await async::OnPool(blocking, next);
}

}  // namespace

asio::awaitable<net::HttpReply> Api::ImageBytes(Call call) {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  auto found = co_await OpenImage(call.Id());
  if (!found.ok()) co_return StatusReply(found.status());
  auto& [file, span] = *found;
  if (!absl::SimpleAtoi(call.request.Query("first").value_or(""), &first) ||
      !absl::SimpleAtoi(call.request.Query("last").value_or(""), &last) || first > last ||
      last >= span.length) {
    co_return net::ProblemReply(422,
                                "first, last: want two positions within the image, first <= last");
  }
  span.offset = first;
  span.length = last - first + 1;
  net::HttpReply reply;
  reply.headers = {{"Content-Type", "application/octet-stream"},
                   {"ETag", fmt::format("\"{}\"", file.sha256)},
                   {"Vary", "Accept-Encoding"}};
  const std::string_view accepted = call.request.Header("Accept-Encoding");
  if (packing_ >= kMaxPacking || !absl::StrContains(text::AbslView(accepted), "zstd")) {
    reply.file = std::move(span);
    co_return reply;
  }
  reply.headers.emplace_back("Content-Encoding", "zstd");
  auto packing = std::make_shared<Packing>(std::move(span), packing_);
  reply.stream = [packing, &blocking = parts_.blocking] { return NextPacked(packing, blocking); };
  co_return reply;
}

}  // namespace tentacle::backend
