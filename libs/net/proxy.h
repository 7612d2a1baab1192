// Which proxy leads to a server, out of the environment, and the words of a CONNECT (RFC 9110
// section 9.3.6). Pure, any thread; the WebSocket and libcurl both ask here, so they never differ.
//
// https and wss: https_proxy, then HTTPS_PROXY. http and ws: http_proxy in lower case only, because
// a web server that starts us as CGI puts the header "Proxy:" of any request into HTTP_PROXY
// (CVE-2016-5385). no_proxy, then NO_PROXY: "*", names, ".suffix" and addresses, divided by commas
// or blanks. The first of a pair that is set and not empty counts.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "libs/net/target.h"

namespace tentacle::net {

// The value of an environment variable, or nothing.
using EnvironmentLookup = std::function<std::optional<std::string>(const std::string& name)>;
// getenv(3).
EnvironmentLookup ProcessEnvironmentLookup();

struct Proxy {
  std::string host;  // Without brackets.
  std::uint16_t port = 0;
  std::string user;      // Percent-decoded; empty: none.
  std::string password;  // Percent-decoded. Never in an error or a log.

  // "http://p:3128": for messages, without user and password.
  std::string Name() const;
};

// Nothing: straight to the server. InvalidArgument: the variable holds no proxy that is spoken
// here; the message names the variable, not its content, which may hold a password.
absl::StatusOr<std::optional<Proxy>> ChooseProxy(const Target& target,
                                                 const EnvironmentLookup& environment);

// Whether the list of a no_proxy names that host. "example.org" and ".example.org" match it and all
// below.
bool BypassesProxy(std::string_view no_proxy, std::string_view host);

// What is sent to the proxy, with Proxy-Authorization (RFC 7617) if it has a user.
std::string ConnectRequest(const Proxy& proxy, const std::string& authority);

// The status of a proxy's answer, "HTTP/1.1 200 OK\r\n…". Nothing: it is no HTTP/1 answer.
std::optional<unsigned> ConnectStatus(std::string_view answer);

// Unavailable: "proxy http://p:3128 answered 407: user and password are wrong or missing".
absl::Status ProxyRefusal(const Proxy& proxy, unsigned status);

}  // namespace tentacle::net
