// /proc/net/if_inet6 -> the IPv6 addresses of each interface.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tentacle::agent {

struct Ipv6Address {
  std::string interface;
  std::string address;  // "fe80::1/64", shortened as RFC 5952 has it.
};

// A line that cannot be read is left out; without IPv6 the file is missing or empty.
std::vector<Ipv6Address> ParseIfInet6(std::string_view text);

}  // namespace tentacle::agent
