#include "services/agent/core/parse_resolv_conf.h"

#include "services/agent/core/fields.h"

namespace tentacle::agent {

namespace {
constexpr std::size_t kMostServers = 16;  // The resolver itself reads three.

bool LooksLikeAddress(std::string_view text) {
  // Digits, hexadecimal, separators and a zone ("fe80::1%eth0").
  const auto zone = text.find('%');
  const auto address = text.substr(0, zone);
  return address.find_first_not_of("0123456789abcdefABCDEF.:") == std::string_view::npos &&
         address.find_first_of(".:") != std::string_view::npos;
}
}  // namespace

std::vector<std::string> ParseResolvConf(std::string_view text) {
  std::vector<std::string> servers;
  for (const auto line : Lines(text)) {
    const auto fields = Fields(line);
    if (fields.size() < 2 || fields[0] != "nameserver" || !LooksLikeAddress(fields[1])) continue;
    if (servers.size() == kMostServers) break;
    servers.push_back(CleanField(fields[1]));
  }
  return servers;
}

}  // namespace tentacle::agent
