// The snapshot of section 3's "status" right after connecting, every minute and when a service
// begins or ceases to answer, and the latency of the line. Not durable: the next one is as good.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "services/uplink/metrics.h"
#include "services/uplink/peers.h"
#include "services/uplink/session.h"
#include "services/uplink/signal.h"
#include "services/uplink/throughput_probe.h"

namespace tentacle::uplink {

// Home thread only; made for one session.
class StatusBeat {
 public:
  // `changed`: what the snapshot says is different now. Several notices within a second are one
  // snapshot.
  StatusBeat(boost::asio::any_io_executor home,
             Session& session,
             Peers& peers,
             Metrics& metrics,
             Signal& changed,
             ThroughputProbe probe);

  // Until the connection is over or cancelled.
  boost::asio::awaitable<absl::Status> Run();

 private:
  boost::asio::awaitable<absl::Status> SendStatus();
  boost::asio::awaitable<absl::Status> SendLatency();

  Session& session_;
  Peers& peers_;
  Metrics& metrics_;
  ThroughputProbe probe_;
  Signal& changed_;
  Signal pause_;
};

}  // namespace tentacle::uplink
