// Where the events of all services queue for the wire, the most urgent first. Home thread only;
// lives as long as one connection.
#pragma once

#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "services/uplink/core/flow.h"

namespace tentacle::uplink {

class EventGate {
 public:
  EventGate(boost::asio::any_io_executor home, Flow flow) : flow_(flow), changed_(std::move(home)) {
    changed_.expires_at(boost::asio::steady_timer::time_point::max());
  }

  // Returns when an event of the lane may be written; it counts as under way from then on. False:
  // cancelled meanwhile.
  boost::asio::awaitable<bool> Enter(events::Priority lane) {
    if (!flow_.MayGo(lane)) {
      flow_.BeginWaiting(lane);
      bool cancelled = false;
      while (!cancelled && !flow_.MayGo(lane)) {
        co_await changed_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        const auto state = co_await boost::asio::this_coro::cancellation_state;
        cancelled = state.cancelled() != boost::asio::cancellation_type::none;
      }
      flow_.EndWaiting(lane);
      // Whoever is less urgent may have waited for us only.
      changed_.cancel();
      if (cancelled) co_return false;
    }
    flow_.OnGone();
    co_return true;
  }

  void Leave(std::size_t count) {
    flow_.OnArrived(count);
    changed_.cancel();
  }

  void Grant(std::uint64_t events) {
    flow_.Grant(events);
    changed_.cancel();
  }

  const Flow& flow() const { return flow_; }

 private:
  Flow flow_;
  boost::asio::steady_timer changed_;  // Cancelled when somebody should look again.
};

}  // namespace tentacle::uplink
