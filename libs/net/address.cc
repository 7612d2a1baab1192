#include "libs/net/address.h"

#include <fmt/format.h>

#include <charconv>

#include <boost/asio/ip/address.hpp>

namespace tentacle::net {

absl::StatusOr<boost::asio::ip::tcp::endpoint> ParseTcpEndpoint(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos)
    return absl::InvalidArgumentError(fmt::format("\"{}\": want address:port", text));
  std::string host = text.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [parsed_to, error] = std::from_chars(text.data() + colon + 1, end, port);
  if (error != std::errc() || parsed_to != end) {
    return absl::InvalidArgumentError(
        fmt::format("\"{}\": the port is not a number up to 65535", text));
  }
  boost::system::error_code address_error;
  const auto address = boost::asio::ip::make_address(host, address_error);
  if (address_error)
    return absl::InvalidArgumentError(fmt::format("\"{}\": not a numeric address", text));
  return boost::asio::ip::tcp::endpoint(address, port);
}

}  // namespace tentacle::net
