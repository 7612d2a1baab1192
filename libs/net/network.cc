#include "libs/net/network.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <set>

#include <boost/asio/ip/address_v4.hpp>

namespace tentacle::net {

namespace {

constexpr std::uint32_t kMaxPort = 65'535;

std::optional<std::uint32_t> Number(std::string_view text, std::uint32_t max) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty() || value > max)
    return std::nullopt;
  return value;
}

}  // namespace

absl::StatusOr<std::uint32_t> ParseIpv4Address(std::string_view text) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address_v4(std::string(text), error);
  if (error)
    return absl::InvalidArgumentError(fmt::format("want an IPv4 address, got \"{}\"", text));
  return address.to_uint();
}

absl::StatusOr<Network> ParseNetwork(std::string_view text) {
  const auto wrong =
      absl::InvalidArgumentError(fmt::format("want a network like 10.1.2.0/24, got \"{}\"", text));
  Network network;
  const auto colon = text.rfind(':');
  if (colon != std::string_view::npos) network.interface = text.substr(0, colon);
  const std::string_view rest = colon == std::string_view::npos ? text : text.substr(colon + 1);
  const auto slash = rest.find('/');
  const auto address = ParseIpv4Address(rest.substr(0, slash));
  if (!address.ok() || (colon != std::string_view::npos && network.interface.empty())) return wrong;
  network.address = *address;
  if (slash == std::string_view::npos) return network;
  const auto prefix = Number(rest.substr(slash + 1), 32);
  if (!prefix) return wrong;
  network.prefix_length = *prefix;
  return network;
}

absl::StatusOr<std::vector<std::uint16_t>> ParsePorts(const std::vector<std::string>& ranges,
                                                      std::size_t max) {
  std::set<std::uint16_t> ports;
  for (const std::string& text : ranges) {
    const std::string_view range = text;
    const auto dash = range.find('-');
    const auto first = Number(range.substr(0, dash), kMaxPort);
    const auto last =
        dash == std::string_view::npos ? first : Number(range.substr(dash + 1), kMaxPort);
    if (!first || !last || *first == 0 || *first > *last) {
      return absl::InvalidArgumentError(
          fmt::format("want ports like 22 or 8000-8080, got \"{}\"", text));
    }
    for (std::uint32_t port = *first; port <= *last; ++port)
      ports.insert(static_cast<std::uint16_t>(port));
    if (ports.size() > max)
      return absl::InvalidArgumentError(fmt::format("more than {} ports", max));
  }
  return std::vector<std::uint16_t>(ports.begin(), ports.end());
}

}  // namespace tentacle::net
