// Coroutines that live and end together, and work that a cancellation must not cut in half.
#pragma once

#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace tentacle::uplink {

// Runs all of them until the first one ends, cancels the others, waits for them and returns what
// the first one said (Cancelled when it was cancelled itself). A cancellation of the caller cancels
// all.
boost::asio::awaitable<absl::Status> RunTogether(
    boost::asio::any_io_executor home, std::vector<boost::asio::awaitable<absl::Status>> parts);

// Runs `work` to its end even if the caller is cancelled meanwhile. For what is being made durable.
template <class T>
boost::asio::awaitable<T> Shield(boost::asio::any_io_executor home,
                                 boost::asio::awaitable<T> work) {
  // An empty slot: what is spawned does not hear of the caller's cancellation.
  auto token = boost::asio::bind_cancellation_slot(boost::asio::cancellation_slot(),
                                                   boost::asio::use_awaitable);
  co_return co_await boost::asio::co_spawn(home, std::move(work), token);
}

}  // namespace tentacle::uplink
