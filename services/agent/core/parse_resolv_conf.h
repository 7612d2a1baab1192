// /etc/resolv.conf (resolv.conf(5)) -> the name servers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tentacle::agent {

// In order; what is no address is left out. An empty file is valid: the resolver then asks this
// host.
std::vector<std::string> ParseResolvConf(std::string_view text);

}  // namespace tentacle::agent
