// A backend in one socket: checks the JWT, speaks WebSocket, remembers what came, acknowledges or
// not.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "libs/backend_link/messages.h"
#include "libs/net/http_server.h"
#include "libs/net/websocket.h"
#include "tests/rpc/loop.h"

namespace tentacle::testing {

class FakeBackend {
 public:
  FakeBackend(Loop& loop, std::string public_key_base64);
  ~FakeBackend();

  std::string Url() const;
  void Send(const std::string& frame);
  void Acknowledge(const std::string& id);
  // Closes the connection that is there.
  void HangUp();

  // How many messages of that type have come in all connections.
  std::size_t Count(const std::string& type) const;
  // The latest of that type, or null.
  const backend_link::Message* Last(const std::string& type) const;

  std::size_t connections() const { return connections_; }

  bool connected() const { return socket_ != nullptr; }

  const std::set<std::string>& event_ids() const { return event_ids_; }

  const std::set<std::string>& acknowledged_by_peer() const { return acknowledged_by_peer_; }

  const absl::Status& last_token() const { return last_token_; }

  const std::string& last_instance() const { return last_instance_; }

  bool acknowledges = true;
  bool accepts = true;                // False: 503.
  std::string retry_after;            // Of the 503; seconds.
  bool removed = false;               // True: 401, the tentacle was removed.
  std::vector<std::string> greeting;  // Sent after each connect.
  // Not empty: these bytes follow the handshake as they are, and nothing is read.
  std::string raw_frames;
  bool resets = false;  // After the raw frames: RST.

 private:
  boost::asio::awaitable<net::HttpReply> Handle(net::HttpRequest request);
  boost::asio::awaitable<void> Serve(std::shared_ptr<net::UpgradedConnection> connection);
  boost::asio::awaitable<void> ServeRaw(std::shared_ptr<net::UpgradedConnection> connection);
  boost::asio::awaitable<void> Write(std::shared_ptr<net::WebSocket> socket, std::string frame);

  Loop& loop_;
  std::string public_key_;
  net::HttpServer server_;
  std::shared_ptr<net::WebSocket> socket_;
  std::shared_ptr<net::UpgradedConnection> raw_;
  std::size_t connections_ = 0;
  std::vector<backend_link::Message> messages_;
  std::set<std::string> event_ids_;
  std::set<std::string> acknowledged_by_peer_;
  absl::Status last_token_;
  std::string last_instance_;
};

}  // namespace tentacle::testing
