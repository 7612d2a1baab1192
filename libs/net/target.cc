#include "libs/net/target.h"

#include <fmt/format.h>

#include <charconv>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace tentacle::net {

std::optional<std::uint16_t> ParsePort(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

std::string BracketedHost(const std::string& host) {
  return host.find(':') == std::string::npos ? host : fmt::format("[{}]", host);
}

std::string Target::Authority() const {
  return fmt::format("{}:{}", BracketedHost(host), port);
}

absl::StatusOr<Target> ParseTarget(const std::string& url) {
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed) return absl::InvalidArgumentError(fmt::format("\"{}\" is not a URL", url));
  Target target;
  const std::string scheme(parsed->scheme());
  if (scheme == "wss" || scheme == "https") {
    target.tls = true;
  } else if (scheme != "ws" && scheme != "http") {
    return absl::InvalidArgumentError(fmt::format("\"{}\": want ws, wss, http or https", url));
  }
  target.host = parsed->host_address();
  if (target.host.empty())
    return absl::InvalidArgumentError(fmt::format("\"{}\" names no host", url));
  target.port = target.tls ? 443 : 80;
  // An empty port is the default one (RFC 3986 section 6.2.3).
  if (const std::string text(parsed->port()); !text.empty()) {
    const auto port = ParsePort(text);
    if (!port)
      return absl::InvalidArgumentError(fmt::format("\"{}\": the port is not 1 to 65535", url));
    target.port = *port;
  }
  target.resource = std::string(parsed->encoded_target());
  if (!target.resource.starts_with('/')) target.resource = "/" + target.resource;
  target.host_header = std::string(parsed->encoded_host_and_port());
  return target;
}

}  // namespace tentacle::net
