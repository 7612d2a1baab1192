// One connection to the backend while it lasts: messages out and in, counted, bad frames left out.
#pragma once

#include <memory>
#include <set>
#include <string>

#include <absl/status/statusor.h>
#include <boost/asio/awaitable.hpp>

#include "libs/backend_link/messages.h"
#include "libs/net/websocket.h"
#include "libs/runtime/log.h"
#include "services/uplink/metrics.h"

namespace tentacle::uplink {

// Home thread only.
class Session {
 public:
  Session(std::shared_ptr<net::WebSocket> socket, Metrics& metrics, runtime::Log log);

  // Returns when the message is with the kernel; an error means that the connection is over.
  boost::asio::awaitable<absl::Status> Send(backend_link::Message message);
  boost::asio::awaitable<absl::Status> SendAck(std::string id);
  // The next message that is one. What is no message is counted and ignored; an error means that
  // the connection is over.
  boost::asio::awaitable<absl::StatusOr<backend_link::Message>> Receive();

  net::LinkQuality quality() const { return socket_->quality(); }

  void Close() { socket_->Close(); }

 private:
  void Refuse(std::string_view reason, std::string_view detail);

  std::shared_ptr<net::WebSocket> socket_;
  Metrics& metrics_;
  runtime::Log log_;
};

}  // namespace tentacle::uplink
