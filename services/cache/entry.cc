#include "services/cache/entry.h"

#include <algorithm>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "services/cache/limits.h"

namespace tentacle::cache {

namespace {

namespace asio = boost::asio;

// In `waiting` for as long as it lives, also when the coroutine is destroyed.
struct Waiter {
  Waiter(std::shared_ptr<Entry> entry_in,
         const asio::any_io_executor& home,
         asio::steady_timer::time_point until,
         std::uint64_t at)
      : entry(std::move(entry_in)), timer(home, until), chunked(entry->chunked) {
    entry->waiting.insert(&timer);
    if (chunked != nullptr) want.emplace(chunked->wants, at);
  }

  ~Waiter() { entry->waiting.erase(&timer); }

  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  std::shared_ptr<Entry> entry;
  asio::steady_timer timer;
  std::shared_ptr<Chunked> chunked;
  std::optional<Wants::Want> want;
};

}  // namespace

void Entry::Tell() {
  for (asio::steady_timer* timer : waiting)
    timer->cancel();
}

void Entry::Arrived(std::uint64_t present) {
  image.set_present_bytes(present);
  image.clear_reason();
  line = Line::kFlows;
  last_byte = std::chrono::steady_clock::now();
  Tell();
}

void Entry::BreakOff() {
  stop->Begin();
  if (pause != nullptr) pause->cancel();
}

std::uint64_t Servable(const Entry& entry, std::uint64_t at, std::uint64_t end) {
  if (entry.hash_right || entry.image.state() == v1::IMAGE_STATE_CACHED)
    return std::min(end, entry.image.size_bytes());
  if (entry.chunked != nullptr) {
    const std::uint64_t last = entry.chunked->list.chunks.back().offset;
    return std::min({entry.chunked->EndOfPresent(at), last, end});
  }
  if (!entry.in_order) return 0;
  return std::min(entry.image.present_bytes(),
                  end > limits::kHeldBackBytes ? end - limits::kHeldBackBytes : 0);
}

asio::awaitable<bool> Changed(std::shared_ptr<Entry> entry,
                              std::chrono::steady_clock::time_point since,
                              std::uint64_t at) {
  const auto until =
      std::max(since, entry->last_byte) + absl::ToChronoNanoseconds(limits::kStreamStall);
  if (std::chrono::steady_clock::now() >= until) co_return false;
  const auto home = co_await asio::this_coro::executor;
  Waiter waiter(std::move(entry), home, until, at);
  co_await waiter.timer.async_wait(asio::as_tuple(asio::use_awaitable));
  co_return true;
}

}  // namespace tentacle::cache
