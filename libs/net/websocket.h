// A WebSocket (RFC 6455) that speaks text messages, as client (ws, wss, through a proxy if the
// environment names one) or as the server side of an upgraded connection. Both sides ping and
// measure. Beast stays in the .cc.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "libs/net/http_types.h"
#include "libs/net/link_quality.h"
#include "libs/net/proxy.h"
#include "libs/net/tls.h"

namespace tentacle::net {

struct WebSocketLimits {
  // Of one message, both ways: a longer one is not sent, and one that comes ends the connection
  // with 1009.
  std::size_t message_bytes = 1024 * 1024;
  // From the look-up of the name to the end of the WebSocket handshake, the proxy and TLS included.
  absl::Duration handshake_timeout = absl::Seconds(20);
  // Each side pings on its own. Three in a row without a sign of the peer end the connection, at
  // the latest three intervals after its last pong.
  absl::Duration ping_interval = absl::Seconds(15);
};

// Lives on one executor. One reader and any number of writers (writes are queued in order).
class WebSocket {
 public:
  // `url` is ws://, wss://, http:// or https://; `environment` names the proxy (proxy.h).
  // Unavailable: no connection, or the proxy or the server refused it; DeadlineExceeded;
  // Unauthenticated: 401, or a certificate or pin that is refused (the message says which, and
  // nothing of ours was sent); PermissionDenied: 403; InvalidArgument: URL, CA file or proxy
  // variable. RetryAfter() and ServerTime() of retry_after.h say what a refusing server
  // asked for and what its clock shows.
  static boost::asio::awaitable<absl::StatusOr<std::shared_ptr<WebSocket>>> Connect(
      boost::asio::any_io_executor home,
      std::string url,
      HeaderList headers,
      TlsOptions tls,
      WebSocketLimits limits,
      EnvironmentLookup environment = ProcessEnvironmentLookup());
  static boost::asio::awaitable<absl::StatusOr<std::shared_ptr<WebSocket>>> Accept(
      std::shared_ptr<UpgradedConnection> connection, WebSocketLimits limits);

  virtual ~WebSocket() = default;

  // The next text message. Every error ends the connection; later calls return Cancelled with its
  // text. OutOfRange: the peer closed in order, with the code and reason it gave; InvalidArgument:
  // binary (closed with 1003), not UTF-8 (1007) or too large (1009); Unavailable: the line broke,
  // or "no answer to 3 pings". Pings and pongs are handled while a Read is pending: a peer is not
  // judged while nobody reads here, and whoever pauses for longer than three intervals of the peer
  // is given up by it.
  virtual boost::asio::awaitable<absl::StatusOr<std::string>> Read() = 0;
  // Returns when the message is with the kernel. InvalidArgument: larger than the limit, nothing
  // was sent and the connection stays; ResourceExhausted when 1,024 are waiting.
  virtual boost::asio::awaitable<absl::Status> Write(std::string message) = 0;
  // Pings now: does the peer answer within this time? Needs a pending Read; false as well when the
  // connection ends meanwhile.
  virtual boost::asio::awaitable<bool> Answers(absl::Duration within) = 0;
  virtual LinkQuality quality() const = 0;
  // Breaks off: pending Read and Write return an error. From any coroutine of the executor.
  virtual void Close() = 0;
};

}  // namespace tentacle::net
