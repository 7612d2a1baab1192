#include "services/uplink/together.h"

#include <cstddef>
#include <exception>

#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>

namespace tentacle::uplink {

namespace asio = boost::asio;

asio::awaitable<absl::Status> RunTogether(asio::any_io_executor home,
                                          std::vector<asio::awaitable<absl::Status>> parts) {
  using Operation =
      decltype(asio::co_spawn(home, std::declval<asio::awaitable<absl::Status>>(), asio::deferred));
  std::vector<Operation> operations;
  operations.reserve(parts.size());
  for (auto& part : parts) {
    operations.push_back(asio::co_spawn(home, std::move(part), asio::deferred));
  }
  auto group = asio::experimental::make_parallel_group(std::move(operations));
  auto ended = group.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
  const auto [order, errors, results] = co_await std::move(ended);
  const std::size_t first = order.front();
  // The only exception that a part throws is its cancellation.
  if (errors[first]) co_return absl::CancelledError("stopped");
  co_return results[first];
}

}  // namespace tentacle::uplink
