// HTTP(S) client over libcurl: proxies (proxy.h), TLS and pins (tls.h), Range. Blocking: call it on
// a blocking pool, never on a home thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "libs/net/http_types.h"
#include "libs/net/proxy.h"
#include "libs/net/tls.h"

namespace tentacle::net {

// A connection that outlives a request and carries the next one to the same server. One call at a
// time.
class KeptConnection {
 public:
  KeptConnection();
  ~KeptConnection();
  KeptConnection(const KeptConnection&) = delete;
  KeptConnection& operator=(const KeptConnection&) = delete;

  void* handle() const { return handle_; }  // libcurl's.

  // For libcurl's callbacks.
  void Opened(int socket) { sockets_.push_back(socket); }

  void Closed(int socket) { std::erase(sockets_, socket); }

  // What is open now; several while a connection is tried by more than one address.
  const std::vector<int>& sockets() const { return sockets_; }

 private:
  std::vector<int> sockets_;
  void* handle_;
};

struct ClientRequest {
  std::string method = "GET";
  std::string url;  // http or https only, also after nothing: redirects are not followed.
  HeaderList headers;
  std::string body;
  TlsOptions tls;
  EnvironmentLookup environment = ProcessEnvironmentLookup();  // Names the proxy; proxy.h says how.
  absl::Duration connect_timeout = absl::Seconds(10);
  absl::Duration total_timeout = absl::Seconds(60);  // Infinite for streams.
  absl::Duration stall_timeout =
      absl::Seconds(30);  // Less than 1 byte a second for so long: given up.
  std::uint64_t max_body_bytes = 4 * 1024 * 1024;  // Of `body` in the reply; not for streams.
  // Streams: called with the status and headers first, then with each piece; false breaks off.
  std::function<bool(unsigned status, const HeaderList& headers)> on_headers;
  std::function<bool(std::string_view piece)> on_body;
  // Streams: asked with each piece how many bytes the server may be ahead of on_body, which else
  // nothing but the kernel limits (megabytes); nothing: as the kernel sees fit. Takes effect when
  // it changes.
  std::function<std::optional<std::size_t>()> receive_window;
  // Looked at about once a second, also while nothing arrives; true breaks off. Must outlive the
  // call.
  const std::atomic<bool>* cancel = nullptr;
  // Null: the connection ends with the request. Must outlive the call.
  KeptConnection* connection = nullptr;
};

struct ClientReply {
  unsigned status = 0;
  HeaderList headers;
  std::string body;  // Empty when on_body was set.
};

// Any HTTP status of the server is a reply. Unavailable: no connection, it broke, or the proxy
// refused; DeadlineExceeded; Unauthenticated: certificate or pin, nothing of ours was sent;
// Cancelled: a callback or `cancel` said so; ResourceExhausted: body too large; InvalidArgument:
// URL, CA file or proxy variable.
absl::StatusOr<ClientReply> Fetch(const ClientRequest& request);

}  // namespace tentacle::net
