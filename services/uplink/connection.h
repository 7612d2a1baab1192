// Everything that lives exactly as long as one connection: the session, the event pumps, the status
// beat and the read loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "libs/runtime/clock.h"
#include "libs/runtime/log.h"
#include "services/uplink/core/delivery.h"
#include "services/uplink/event_gate.h"
#include "services/uplink/event_pump.h"
#include "services/uplink/inbox.h"
#include "services/uplink/live_relay.h"
#include "services/uplink/peers.h"
#include "services/uplink/session.h"
#include "services/uplink/status_beat.h"

namespace tentacle::uplink {

struct ConnectionParts {
  boost::asio::any_io_executor home;
  std::shared_ptr<net::WebSocket> socket;
  Inbox& inbox;
  Peers& peers;
  Metrics& metrics;
  // A service begins or ceases to answer.
  Signal& peers_changed;
  ThroughputProbe::Get get;
  // The backend says that another machine has our key.
  std::function<void(const std::string& reason)> on_set_apart;
  const runtime::Clock& clock;
  runtime::Log log;
};

struct ConnectionEnd {
  absl::Status reason;
  // The backend said goodbye and named when it wants to be looked for again.
  std::optional<absl::Duration> reconnect_after;
  // The backend has removed this tentacle.
  bool removed = false;
};

// Until the connection is over.
boost::asio::awaitable<ConnectionEnd> ServeConnection(ConnectionParts parts);

// Home thread only.
class Connection {
 public:
  explicit Connection(const ConnectionParts& parts);

  // Until the connection is over; says why.
  boost::asio::awaitable<absl::Status> Run();

  std::optional<absl::Duration> reconnect_after() const { return reconnect_after_; }

  bool removed() const { return removed_; }

 private:
  boost::asio::awaitable<absl::Status> ReadLoop();
  // Closes the socket when the others are cancelled, so that no read or write outlives them.
  boost::asio::awaitable<absl::Status> CloseWhenCancelled();
  // True: the message was about the connection itself and is done with.
  bool TakeOwn(const Action& action);
  void OnAck(const std::string& id);

  boost::asio::any_io_executor home_;
  Session session_;
  Inbox& inbox_;
  Metrics& metrics_;
  EventGate gate_;
  AckWatch acks_;
  std::vector<std::unique_ptr<EventPump>> pumps_;  // One a service and lane.
  StatusBeat beat_;
  LiveRelay live_;
  Signal never_;
  std::optional<absl::Duration> reconnect_after_;
  std::function<void(const std::string& reason)> on_set_apart_;
  bool removed_ = false;
};

}  // namespace tentacle::uplink
