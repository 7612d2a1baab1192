// Runs blocking work on a pool and resumes on the caller's executor. Name the lambda on its own
// line first (g++ 12 destroys captures twice otherwise; see CONTRIBUTING.md).
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace tentacle::async {

namespace internal {

template <class Work>
boost::asio::awaitable<std::invoke_result_t<Work&>> RunHere(std::shared_ptr<Work> work) {
  co_return (*work)();
}

}  // namespace internal

template <class Work>
boost::asio::awaitable<std::invoke_result_t<Work&>> OnPool(boost::asio::thread_pool& pool,
                                                           Work work) {
  auto shared = std::make_shared<Work>(std::move(work));
  auto task = internal::RunHere<Work>(shared);
  auto executor = pool.get_executor();
  // Work on the pool cannot be cancelled, and must not hear of it: the signal would come from
  // another thread, and Asio 1.81 throws out of co_spawn (to terminate) when a coroutine that never
  // waited was cancelled meanwhile. An empty slot keeps it away; the caller notices at its next
  // co_await.
  auto token = boost::asio::bind_cancellation_slot(boost::asio::cancellation_slot(),
                                                   boost::asio::use_awaitable);
  co_return co_await boost::asio::co_spawn(executor, std::move(task), token);
}

}  // namespace tentacle::async
