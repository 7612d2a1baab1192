// Carries one lane of one service up while a connection lasts: fetch, write, wait for the
// acknowledgement, confirm. Two coroutines share one Delivery, so that confirming never waits for a
// poll.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "libs/retry/backoff.h"
#include "libs/runtime/clock.h"
#include "libs/runtime/log.h"
#include "services/uplink/core/delivery.h"
#include "services/uplink/core/service.h"
#include "services/uplink/event_gate.h"
#include "services/uplink/metrics.h"
#include "services/uplink/peers.h"
#include "services/uplink/session.h"
#include "services/uplink/signal.h"

namespace tentacle::uplink {

// Home thread only; made for one session.
class EventPump {
 public:
  EventPump(boost::asio::any_io_executor home,
            Service service,
            events::Priority lane,
            Session& session,
            EventGate& gate,
            AckWatch& acks,
            Peers& peers,
            Metrics& metrics,
            const runtime::Clock& clock,
            runtime::Log log);
  ~EventPump();
  EventPump(const EventPump&) = delete;
  EventPump& operator=(const EventPump&) = delete;

  // Until the connection is over or cancelled.
  boost::asio::awaitable<absl::Status> Carry();
  // Until cancelled, or Unavailable when the backend has stopped acknowledging.
  boost::asio::awaitable<absl::Status> Confirm();
  // False: the event is not in flight here.
  bool OnAck(const EventId& id);

 private:
  boost::asio::awaitable<absl::Status> Write(event::v1::Event event);
  boost::asio::awaitable<bool> ConfirmOnce();

  Service service_;
  events::Priority lane_;
  Session& session_;
  EventGate& gate_;
  AckWatch& acks_;
  Peers& peers_;
  Metrics& metrics_;
  const runtime::Clock& clock_;
  runtime::Log log_;
  Delivery delivery_;
  Signal room_;    // Something was acknowledged: there may be room for more.
  Signal settle_;  // Something was written or acknowledged.
  Signal pause_;   // Never notified: a sleep.
};

}  // namespace tentacle::uplink
