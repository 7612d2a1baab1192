// What the agent's parts are lent in tests: a loop with a watchdog, a store in memory that can
// refuse, an event log that can be waited for, a folder, and scripts that report by a named pipe.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "libs/events/event_log.h"
#include "libs/store/store.h"
#include "tests/support/kept_events.h"
#include "tests/support/memory_store.h"
#include "tests/support/temp_dir.h"

namespace tentacle::agent::testing {

namespace asio = boost::asio;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

// Runs a coroutine on one thread to its end. What takes half a minute hangs.
class TestLoop {
 public:
  TestLoop() = default;

  ~TestLoop() { pool_.join(); }

  TestLoop(const TestLoop&) = delete;
  TestLoop& operator=(const TestLoop&) = delete;

  asio::any_io_executor home() { return io_.get_executor(); }

  asio::thread_pool& pool() { return pool_; }

  template <class Value>
  Value Run(asio::awaitable<Value> work) {
    std::optional<Value> result;
    asio::co_spawn(io_, std::move(work), [&](std::exception_ptr error, Value value) {
      if (error) std::rethrow_exception(error);
      result = std::move(value);
      io_.stop();
    });
    io_.restart();
    io_.run_for(std::chrono::seconds(30));
    if (!result) {
      ADD_FAILURE() << "what was waited for did not happen";
      std::abort();
    }
    return *std::move(result);
  }

  // Runs until no coroutine is left: what was stopped must come to its end by itself.
  void Finish() {
    io_.restart();
    io_.run_for(std::chrono::seconds(30));
    EXPECT_TRUE(io_.stopped()) << "something still waits";
  }

 private:
  asio::thread_pool pool_{2};
  asio::io_context io_{1};
};

using tentacle::testing::MemoryStore;

// Wakes who waits for an event.
class MemoryEvents final : public ::tentacle::testing::KeptEvents {
 public:
  explicit MemoryEvents(asio::any_io_executor home) : changed_(home) {}

  asio::awaitable<absl::StatusOr<std::uint64_t>> Append(events::Event event) override {
    if (refusals > 0) {
      --refusals;
      ++refused_;
      changed_.cancel();
      co_return absl::ResourceExhaustedError("the log is full");
    }
    all.push_back(std::move(event));
    changed_.cancel();
    co_return all.size();
  }

  void Publish(events::Event event) override {
    all.push_back(std::move(event));
    changed_.cancel();
  }

  // The n-th event of a type (from 1), as soon as it is there. With an id only those of this job.
  asio::awaitable<boost::json::object> Nth(std::string type, std::size_t n, std::string id = "") {
    for (;;) {
      std::size_t seen = 0;
      for (const auto& event : all) {
        if (event.type() != type || (!id.empty() && event.correlation_id() != id)) continue;
        if (++seen == n) co_return boost::json::parse(event.body_json()).as_object();
      }
      changed_.expires_at(asio::steady_timer::time_point::max());
      co_await changed_.async_wait(kTuple);
    }
  }

  // As soon as so many appends have been refused.
  asio::awaitable<bool> Refused(std::uint64_t appends) {
    while (refused_ < appends) {
      changed_.expires_at(asio::steady_timer::time_point::max());
      co_await changed_.async_wait(kTuple);
    }
    co_return true;
  }

  std::size_t Count(const std::string& type, const std::string& id = "") const {
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const auto& event) {
      return event.type() == type && (id.empty() || event.correlation_id() == id);
    }));
  }

  int refusals = 0;  // So many appends fail first.

 private:
  asio::steady_timer changed_;
};

// A script writes a line into it, the test waits for the line.
class NamedPipe {
 public:
  NamedPipe(asio::any_io_executor home, std::string path) : path_(std::move(path)), pipe_(home) {
    EXPECT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    pipe_.assign(::open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  }

  const std::string& path() const { return path_; }

  asio::awaitable<std::string> Line() {
    co_await asio::async_read_until(pipe_, asio::dynamic_buffer(buffer_), '\n',
                                    asio::use_awaitable);
    const auto end = buffer_.find('\n');
    std::string line = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    co_return line;
  }

  void Write(std::string_view text) {
    EXPECT_EQ(::write(pipe_.native_handle(), text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }

 private:
  std::string path_;
  asio::posix::stream_descriptor pipe_;
  std::string buffer_;
};

// Any process of this host by its number; taken while it is alive.
class WatchedProcess {
 public:
  WatchedProcess(asio::any_io_executor home, const std::string& pid)
      : pidfd_(home, static_cast<int>(::syscall(SYS_pidfd_open, std::stoi(pid), 0))) {}

  asio::awaitable<bool> Ended() {
    const auto [error] =
        co_await pidfd_.async_wait(asio::posix::stream_descriptor::wait_read, kTuple);
    co_return !error;
  }

 private:
  asio::posix::stream_descriptor pidfd_;
};

}  // namespace tentacle::agent::testing
