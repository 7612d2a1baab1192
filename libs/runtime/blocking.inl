#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace tentacle::runtime {

namespace internal {
template <class Work>
boost::asio::awaitable<std::invoke_result_t<Work&>> RunHere(std::shared_ptr<Work> work) {
  co_return (*work)();
}
}  // namespace internal

template <class Work>
boost::asio::awaitable<std::invoke_result_t<Work&>> Blocking(boost::asio::thread_pool& pool, Work work) {
  auto shared = std::make_shared<Work>(std::move(work));
  auto task = internal::RunHere<Work>(shared);
  auto executor = pool.get_executor();
  co_return co_await boost::asio::co_spawn(executor, std::move(task), boost::asio::use_awaitable);
}

}  // namespace tentacle::runtime
