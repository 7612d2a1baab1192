// HTTP/1.1 over TCP on one executor: keep-alive, HEAD, sendfile, streams, upgrades.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/time/time.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "libs/net/http_types.h"

namespace tentacle::net {

struct HttpLimits {
  std::uint32_t header_bytes = 8 * 1024;   // Bigger ones are nobody we know: 431.
  std::uint32_t target_bytes = 4 * 1024;   // Of the request's line; 431 above.
  std::uint64_t body_bytes = 1024 * 1024;  // 413 above.
  // For a further one the connection that has waited longest for its client's next request is
  // closed; when each is being answered, the further one is.
  std::uint32_t connections = 512;
  std::uint32_t connections_per_address = 0;  // The same of one client address; 0: no such limit.
  absl::Duration header_timeout = absl::Seconds(15);  // Also the keep-alive idle time.
  absl::Duration write_timeout = absl::Seconds(60);   // Without any progress.
  // Addresses of reverse proxies: of what they send, remote_ip is the one in X-Forwarded-For.
  std::vector<std::string> trusted_proxies;
};

// Counted by the owner's metrics; all calls on the executor's thread.
struct HttpObserver {
  std::function<void(const HttpRequest&, unsigned status)> on_reply;
  // bad_request, too_large, timeout, evicted, too_many
  std::function<void(std::string_view reason)> on_drop;
};

// Not thread safe; lives on `home`. Destroying it closes everything.
class HttpServer {
 public:
  HttpServer(boost::asio::any_io_executor home,
             HttpHandler handler,
             HttpLimits limits = {},
             HttpObserver observer = {});
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // "127.0.0.1:9471", "0.0.0.0:9080", "[::]:8080". Port 0 takes a free one. Unavailable: in use.
  absl::Status Listen(const std::string& address);
  std::uint16_t port() const;

  // Accepts until Close(); returns the error when the listening socket breaks.
  boost::asio::awaitable<absl::Status> Run();
  void Close();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace tentacle::net
