// A TCP server on loopback with a thread of its own, for clients that are tested from the outside.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace tentacle::testing {

class TcpServer {
 public:
  using Serve = std::function<boost::asio::awaitable<void>(boost::asio::ip::tcp::socket)>;

  // `serve` runs on the server's thread, once for each connection.
  explicit TcpServer(Serve serve)
      : serve_(std::move(serve)),
        acceptor_(io_, {boost::asio::ip::make_address("127.0.0.1"), 0}),
        port_(acceptor_.local_endpoint().port()) {
    boost::asio::co_spawn(io_, Accept(), [](std::exception_ptr) {});
    thread_ = std::thread([this] { io_.run(); });
  }

  ~TcpServer() {
    io_.stop();
    thread_.join();
  }

  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;

  std::uint16_t port() const { return port_; }

  boost::asio::io_context& io() { return io_; }

  // Returns when that many connections are over, so that what they counted is final.
  void AwaitEnded(std::size_t connections) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_ >= connections; });
  }

 private:
  boost::asio::awaitable<void> Accept() {
    for (;;) {
      auto [error, socket] =
          co_await acceptor_.async_accept(boost::asio::as_tuple(boost::asio::use_awaitable));
      if (error) co_return;
      auto work = serve_(std::move(socket));
      boost::asio::co_spawn(io_, std::move(work), [this](std::exception_ptr) {
        const std::lock_guard lock(mutex_);
        ++ended_;
        changed_.notify_all();
      });
    }
  }

  Serve serve_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t ended_ = 0;
  boost::asio::io_context io_{1};
  boost::asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_;
  std::thread thread_;
};

// Runs `work` on `io` until it has its result.
template <class T>
T Await(boost::asio::io_context& io, boost::asio::awaitable<T> work) {
  std::optional<T> result;
  auto done = [&result](std::exception_ptr error, T value) {
    if (error) std::rethrow_exception(error);
    result.emplace(std::move(value));
  };
  boost::asio::co_spawn(io, std::move(work), done);
  io.restart();
  while (!result && io.run_one() > 0) {
  }
  return *std::move(result);
}

}  // namespace tentacle::testing
