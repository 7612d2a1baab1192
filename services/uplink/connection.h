// Everything that lives exactly as long as one connection: the session, the event pumps, the status
// beat and the read loop.
#pragma once

#include <array>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "libs/runtime/clock.h"
#include "libs/runtime/log.h"
#include "services/uplink/core/delivery.h"
#include "services/uplink/event_pump.h"
#include "services/uplink/inbox.h"
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
  const runtime::Clock& clock;
  runtime::Log log;
};

// Until the connection is over; says why.
boost::asio::awaitable<absl::Status> ServeConnection(ConnectionParts parts);

// Home thread only.
class Connection {
 public:
  explicit Connection(const ConnectionParts& parts);

  // Until the connection is over; says why.
  boost::asio::awaitable<absl::Status> Run();

 private:
  boost::asio::awaitable<absl::Status> ReadLoop();
  // Closes the socket when the others are cancelled, so that no read or write outlives them.
  boost::asio::awaitable<absl::Status> CloseWhenCancelled();
  void OnAck(const std::string& id);

  boost::asio::any_io_executor home_;
  Session session_;
  Inbox& inbox_;
  Metrics& metrics_;
  AckWatch acks_;
  std::array<std::unique_ptr<EventPump>, kServices.size()> pumps_;
  StatusBeat beat_;
  Signal never_;
};

}  // namespace tentacle::uplink
