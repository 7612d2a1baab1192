// "127.0.0.1:9471", "[::1]:8080" -> a TCP endpoint.
#pragma once

#include <string>

#include <absl/status/statusor.h>
#include <boost/asio/ip/tcp.hpp>

namespace tentacle::net {

// InvalidArgument says what is wrong. Numeric addresses only.
absl::StatusOr<boost::asio::ip::tcp::endpoint> ParseTcpEndpoint(const std::string& text);

}  // namespace tentacle::net
