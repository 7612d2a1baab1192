// The live channel between the backend's connection and the agent: shells, output of running jobs.
// Frames are passed on unread, in order, one at a time in each direction, and are gone when the
// connection is: whoever produces them waits for credit, so that little is ever held here.
#pragma once

#include <deque>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "libs/backend_link/messages.h"
#include "services/uplink/metrics.h"
#include "services/uplink/peers.h"
#include "services/uplink/session.h"
#include "services/uplink/signal.h"

namespace tentacle::uplink {

// Home thread only; lives as long as one connection.
class LiveRelay {
 public:
  LiveRelay(boost::asio::any_io_executor home, Session& session, Peers& peers, Metrics& metrics);

  // True: it is one of the live channel and on its way to the agent, or dropped and counted when
  // more than kMaxLiveBytes wait.
  bool Take(const backend_link::Message& message);

  // Until the connection is over or cancelled.
  boost::asio::awaitable<absl::Status> CarryUp();
  boost::asio::awaitable<absl::Status> CarryDown();

 private:
  Session& session_;
  Peers& peers_;
  Metrics& metrics_;
  std::string link_id_;
  std::deque<LiveFrame> down_;
  std::size_t down_bytes_ = 0;
  Signal arrived_;
  Signal pause_;
};

}  // namespace tentacle::uplink
