// One at a time, in the order of asking: a lock for coroutines of one executor. Home thread only.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace tentacle::async {

class Turn {
 public:
  // Held while it lives.
  class Held {
   public:
    explicit Held(Turn* turn) : turn_(turn) {}

    Held(Held&& other) noexcept : turn_(std::exchange(other.turn_, nullptr)) {}

    Held& operator=(Held&&) = delete;

    ~Held() {
      if (turn_ != nullptr) turn_->Pass();
    }

   private:
    Turn* turn_;
  };

  explicit Turn(boost::asio::any_io_executor home) : timer_(std::move(home)) {
    timer_.expires_at(boost::asio::steady_timer::time_point::max());
  }

  boost::asio::awaitable<Held> Take() {
    if (busy_) {
      ++waiting_;
      // Who ends hands over directly: busy_ stays true for the one who is woken.
      co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
      --waiting_;
    }
    busy_ = true;
    co_return Held(this);
  }

  std::size_t waiting() const { return waiting_; }

 private:
  void Pass() {
    if (waiting_ > 0) {
      timer_.cancel_one();
    } else {
      busy_ = false;
    }
  }

  boost::asio::steady_timer timer_;
  std::size_t waiting_ = 0;
  bool busy_ = false;
};

}  // namespace tentacle::async
