// Where a URL leads. Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace tentacle::net {

struct Target {
  bool tls = false;
  std::string host;         // A name or an address, without brackets.
  std::uint16_t port = 0;   // 443 or 80 where the URL says none.
  std::string resource;     // Path and query as sent, never empty.
  std::string host_header;  // "host" or "host:port" as in the URL.

  // "host:port", "[::1]:443": how RFC 9110 section 9.3.6 names the target of a CONNECT.
  std::string Authority() const;
};

// "https", "wss", "http" and "ws". InvalidArgument says what is wrong.
absl::StatusOr<Target> ParseTarget(const std::string& url);

// 1 to 65535, or nothing.
std::optional<std::uint16_t> ParsePort(std::string_view text);

// An address of IPv6 in brackets, everything else as it is.
std::string BracketedHost(const std::string& host);

}  // namespace tentacle::net
