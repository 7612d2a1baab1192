// A WebSocket (RFC 6455) that speaks text messages, as client (ws, wss) or as the server side of an
// upgraded connection. Beast stays in the .cc.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "libs/net/http_types.h"

namespace tentacle::net {

struct TlsOptions {
  std::string ca_file;              // PEM, beside the system's CAs. Empty: those alone.
  std::vector<std::string> pins;    // SHA-256 of SubjectPublicKeyInfo, base64; empty: no pinning.
};

struct WebSocketLimits {
  std::size_t message_bytes = 1024 * 1024;
  absl::Duration handshake_timeout = absl::Seconds(20);
  // A ping goes out after half of it without traffic; without any answer the link is dead.
  absl::Duration idle_timeout = absl::Seconds(60);
};

// Lives on one executor. One reader and any number of writers (writes are queued in order).
class WebSocket {
 public:
  // `url` is ws://, wss://, http:// or https://. Unavailable: no connection; Unauthenticated: 401 or a
  // certificate or pin that is refused (the message says which); PermissionDenied: 403.
  static boost::asio::awaitable<absl::StatusOr<std::shared_ptr<WebSocket>>> Connect(
      boost::asio::any_io_executor home, std::string url, HeaderList headers, TlsOptions tls,
      WebSocketLimits limits);
  static boost::asio::awaitable<absl::StatusOr<std::shared_ptr<WebSocket>>> Accept(
      std::shared_ptr<UpgradedConnection> connection, WebSocketLimits limits);

  virtual ~WebSocket() = default;

  // The next text message. OutOfRange: the peer closed in order; InvalidArgument: binary or too large.
  virtual boost::asio::awaitable<absl::StatusOr<std::string>> Read() = 0;
  // Returns when the message is with the kernel. ResourceExhausted when 1,024 are waiting.
  virtual boost::asio::awaitable<absl::Status> Write(std::string message) = 0;
  // Time of the last ping to its pong; zero before the first.
  virtual absl::Duration round_trip() const = 0;
  // Breaks off: pending Read and Write return an error. From any coroutine of the executor.
  virtual void Close() = 0;
};

}  // namespace tentacle::net
