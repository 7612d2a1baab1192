// One io_context on the test's own thread. Waiting means running it until something is true;
// nothing sleeps.
#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "libs/rpc/server.h"

namespace tentacle::testing {

class Loop {
 public:
  boost::asio::io_context& io() { return io_; }

  boost::asio::any_io_executor home() { return io_.get_executor(); }

  // False, and the test has failed, when it has not become true within 30 s.
  bool RunUntil(const std::string& what, const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!done()) {
      if (std::chrono::steady_clock::now() > deadline) {
        ADD_FAILURE() << "waited in vain: " << what;
        return false;
      }
      io_.run_one_for(std::chrono::milliseconds(100));
    }
    return true;
  }

  template <class T>
  T Await(boost::asio::awaitable<T> work) {
    std::optional<T> result;
    boost::asio::co_spawn(io_, std::move(work),
                          [&result](std::exception_ptr, T value) { result = std::move(value); });
    RunUntil("a coroutine", [&result] { return result.has_value(); });
    return *std::move(result);
  }

  // gRPC waits for its handlers, and they run here: so from another thread.
  void ShutDown(rpc::Server& server) {
    std::atomic<bool> done = false;
    std::thread thread([&server, &done] {
      server.Shutdown();
      done = true;
    });
    RunUntil("gRPC server shut down", [&done] { return done.load(); });
    thread.join();
  }

 private:
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_.get_executor()};
};

}  // namespace tentacle::testing
