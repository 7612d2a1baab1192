#include "libs/net/forwarded.h"

#include <algorithm>
#include <string_view>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_split.h>
#include <boost/asio/ip/address.hpp>

#include "libs/text/view.h"

namespace tentacle::net {

std::string ClientAddress(const HttpRequest& request,
                          const std::vector<std::string>& trusted_proxies) {
  const auto is_trusted = [&](const std::string& address) {
    return std::find(trusted_proxies.begin(), trusted_proxies.end(), address) !=
           trusted_proxies.end();
  };
  std::vector<std::string> hops;
  for (const auto& [name, value] : request.headers) {
    if (!absl::EqualsIgnoreCase(text::AbslView(name), "X-Forwarded-For")) continue;
    for (const auto hop : absl::StrSplit(text::AbslView(value), ','))
      hops.emplace_back(absl::StripAsciiWhitespace(hop));
  }
  std::string client = request.remote_ip;
  while (is_trusted(client) && !hops.empty()) {
    boost::system::error_code error;
    const auto hop = boost::asio::ip::make_address(hops.back(), error);
    if (error) break;
    client = hop.to_string();
    hops.pop_back();
  }
  return client;
}

}  // namespace tentacle::net
