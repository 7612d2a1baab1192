// Wakes the one coroutine that waits. A notice that comes while nobody waits is kept for the next
// wait, so none is lost between a look and a wait. Home thread only.
#pragma once

#include <chrono>
#include <utility>

#include <absl/time/time.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace tentacle::uplink {

class Signal {
 public:
  explicit Signal(boost::asio::any_io_executor home) : timer_(std::move(home)) {}

  void Notify() {
    noticed_ = true;
    timer_.cancel();
  }

  // A notice that nobody has waited for is of no use any more.
  void Forget() { noticed_ = false; }

  // Returns at the next notice or after `timeout`, whichever comes first; true: there was a notice.
  boost::asio::awaitable<bool> Wait(absl::Duration timeout) {
    if (!noticed_) {
      // A day is for ever: what waits so long looks again.
      timer_.expires_after(absl::ToChronoNanoseconds(std::min(timeout, absl::Hours(24))));
      co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
    co_return std::exchange(noticed_, false);
  }

 private:
  boost::asio::steady_timer timer_;
  bool noticed_ = false;
};

}  // namespace tentacle::uplink
