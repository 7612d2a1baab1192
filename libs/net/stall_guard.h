// Ends a wait for a socket that takes nothing any more.
#pragma once

#include <chrono>
#include <memory>
#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>

namespace tentacle::net {

// Cancels what a socket waits for when nothing was sent for too long. A timer for each wait would
// be a system call for each.
class StallGuard {
 public:
  StallGuard(boost::asio::ip::tcp::socket& socket, std::chrono::nanoseconds limit)
      : shared_(std::make_shared<Shared>(socket, limit)) {
    Arm(shared_);
  }

  ~StallGuard() {
    shared_->ended = true;
    shared_->timer.cancel();
  }

  StallGuard(const StallGuard&) = delete;
  StallGuard& operator=(const StallGuard&) = delete;

  void Progress() { shared_->progress = true; }

  bool stalled() const { return shared_->stalled; }

 private:
  struct Shared {
    Shared(boost::asio::ip::tcp::socket& socket_in, std::chrono::nanoseconds limit_in)
        : socket(socket_in), timer(socket_in.get_executor()), limit(limit_in) {}

    boost::asio::ip::tcp::socket& socket;
    boost::asio::steady_timer timer;
    std::chrono::nanoseconds limit;
    bool progress = false;
    bool stalled = false;
    bool ended = false;
  };

  // Looks twice within the limit: a stall ends between one and one and a half of it.
  static void Arm(const std::shared_ptr<Shared>& shared, int quiet = 0) {
    shared->timer.expires_after(shared->limit / 2);
    shared->timer.async_wait([shared, quiet](boost::system::error_code) {
      if (shared->ended) return;
      const int now = std::exchange(shared->progress, false) ? 0 : quiet + 1;
      if (now < 2) return Arm(shared, now);
      shared->stalled = true;
      boost::system::error_code ignored;
      shared->socket.cancel(ignored);
    });
  }

  std::shared_ptr<Shared> shared_;
};

}  // namespace tentacle::net
