// The way through an HTTP proxy (RFC 9110 section 9.3.6). Private to libs/net, because of Beast.
#pragma once

#include <string>

#include <absl/status/status.h>
#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include "libs/net/proxy.h"

namespace tentacle::net {

// Asks the proxy at the other end of `stream` for a tunnel to `authority` ("host:port"). OK: what
// is written from here on reaches that server. Bounded by the stream's own timeout and by 8 KiB of
// answer. Unavailable: the proxy refused, broke off or answered no HTTP; DeadlineExceeded. On the
// stream's executor.
boost::asio::awaitable<absl::Status> OpenTunnel(boost::beast::tcp_stream& stream,
                                                Proxy proxy,
                                                std::string authority);

}  // namespace tentacle::net
