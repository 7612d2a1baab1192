// Runs blocking work on a pool and resumes on the caller's executor. Name the lambda on its own line first
// (g++ 12 destroys captures twice otherwise; see CONTRIBUTING.md).
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include <boost/asio/awaitable.hpp>
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
boost::asio::awaitable<std::invoke_result_t<Work&>> OnPool(boost::asio::thread_pool& pool, Work work) {
  auto shared = std::make_shared<Work>(std::move(work));
  auto task = internal::RunHere<Work>(shared);
  auto executor = pool.get_executor();
  co_return co_await boost::asio::co_spawn(executor, std::move(task), boost::asio::use_awaitable);
}

}  // namespace tentacle::async
