#include "libs/net/proxy.h"

#include <fmt/format.h>

#include <cstdlib>

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace tentacle::net {

namespace {

constexpr std::optional<std::uint16_t> kDefaultPort = 1080;  // As in curl.

struct Variable {
  std::string name;
  std::string value;
};

std::optional<Variable> FirstSet(const EnvironmentLookup& environment,
                                 std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto value = environment(name);
    if (value && !value->empty()) return Variable{name, *value};
  }
  return std::nullopt;
}

absl::StatusOr<Proxy> ParseProxy(const Variable& variable) {
  const bool has_scheme = variable.value.find("://") != std::string::npos;
  const std::string url = has_scheme ? variable.value : "http://" + variable.value;
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed || parsed->host_address().empty()) {
    return absl::InvalidArgumentError(
        fmt::format("{}: want http://[user:password@]host:port", variable.name));
  }
  if (parsed->scheme() != "http") {
    return absl::InvalidArgumentError(
        fmt::format("{}: a proxy of kind {} is not supported; want http://", variable.name,
                    std::string(parsed->scheme())));
  }
  Proxy proxy;
  proxy.host = parsed->host_address();
  const std::string port_text(parsed->port());
  const auto port = port_text.empty() ? kDefaultPort : ParsePort(port_text);
  if (!port)
    return absl::InvalidArgumentError(fmt::format("{}: the port is not 1 to 65535", variable.name));
  proxy.port = *port;
  proxy.user = parsed->user();
  proxy.password = parsed->password();
  // RFC 7617 section 2: the first colon would end the user.
  if (proxy.user.find(':') != std::string::npos) {
    return absl::InvalidArgumentError(
        fmt::format("{}: a user may not hold a colon", variable.name));
  }
  return proxy;
}

std::string_view Meaning(unsigned status) {
  switch (status) {
    case 403:
      return "it does not let us through to that server";
    case 407:
      return "user and password are wrong or missing";
    case 502:
    case 504:
      return "it does not reach the server";
    case 503:
      return "it cannot serve now";
    default:
      return "no tunnel";
  }
}

}  // namespace

EnvironmentLookup ProcessEnvironmentLookup() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
}

std::string Proxy::Name() const {
  return fmt::format("http://{}:{}", BracketedHost(host), port);
}

bool BypassesProxy(std::string_view no_proxy, std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);  // The root's dot names the same host.
  while (!no_proxy.empty()) {
    const auto end = no_proxy.find_first_of(", \t");
    std::string_view entry = no_proxy.substr(0, end);
    no_proxy.remove_prefix(end == std::string_view::npos ? no_proxy.size() : end + 1);
    if (entry == "*") return true;
    if (entry.starts_with('[') && entry.ends_with(']')) entry = entry.substr(1, entry.size() - 2);
    if (entry.starts_with('.')) entry.remove_prefix(1);
    if (entry.ends_with('.')) entry.remove_suffix(1);
    if (entry.empty() || host.size() < entry.size()) continue;
    const std::string_view tail = host.substr(host.size() - entry.size());
    if (!absl::EqualsIgnoreCase(absl::string_view(tail.data(), tail.size()),
                                absl::string_view(entry.data(), entry.size()))) {
      continue;
    }
    // "example.org" must not match "badexample.org".
    if (host.size() == entry.size() || host[host.size() - entry.size() - 1] == '.') return true;
  }
  return false;
}

absl::StatusOr<std::optional<Proxy>> ChooseProxy(const Target& target,
                                                 const EnvironmentLookup& environment) {
  const auto chosen = target.tls ? FirstSet(environment, {"https_proxy", "HTTPS_PROXY"})
                                 : FirstSet(environment, {"http_proxy"});
  if (!chosen) return std::nullopt;
  const auto bypass = FirstSet(environment, {"no_proxy", "NO_PROXY"});
  if (bypass && BypassesProxy(bypass->value, target.host)) return std::nullopt;
  auto proxy = ParseProxy(*chosen);
  if (!proxy.ok()) return proxy.status();
  return *std::move(proxy);
}

std::string ConnectRequest(const Proxy& proxy, const std::string& authority) {
  std::string request = fmt::format(
      "CONNECT {0} HTTP/1.1\r\nHost: {0}\r\nUser-Agent: octofleet-tentacle\r\n", authority);
  if (!proxy.user.empty()) {
    request += fmt::format("Proxy-Authorization: Basic {}\r\n",
                           absl::Base64Escape(fmt::format("{}:{}", proxy.user, proxy.password)));
  }
  return request + "\r\n";
}

std::optional<unsigned> ConnectStatus(std::string_view answer) {
  // RFC 9112 section 4: "HTTP/1.1 200 …".
  if (!answer.starts_with("HTTP/1.") || answer.size() < 12 || answer[8] != ' ') return std::nullopt;
  unsigned status = 0;
  for (const char digit : answer.substr(9, 3)) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(digit))) return std::nullopt;
    status = 10 * status + static_cast<unsigned>(digit - '0');
  }
  return status;
}

absl::Status ProxyRefusal(const Proxy& proxy, unsigned status) {
  return absl::UnavailableError(
      fmt::format("proxy {} answered {}: {}", proxy.Name(), status, Meaning(status)));
}

}  // namespace tentacle::net
