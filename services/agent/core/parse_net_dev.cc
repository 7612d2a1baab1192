#include "services/agent/core/parse_net_dev.h"

#include "services/agent/core/fields.h"

namespace tentacle::agent {

absl::StatusOr<std::vector<InterfaceTraffic>> ParseNetDev(std::string_view text) {
  constexpr std::size_t kRxBytes = 0;
  constexpr std::size_t kTxBytes = 8;  // After eight columns of what was received.
  const auto lines = Lines(text);
  if (lines.size() < 2 || !lines[0].starts_with("Inter-|")) {
    return absl::InvalidArgumentError("net/dev: no header");
  }
  std::vector<InterfaceTraffic> interfaces;
  for (std::size_t i = 2; i < lines.size(); ++i) {
    // The last colon: an alias has one in its name ("eth0:1"), and old kernels put the first
    // counter right behind it.
    const auto colon = lines[i].rfind(':');
    if (colon == std::string_view::npos) continue;
    const auto columns = Fields(lines[i].substr(colon + 1));
    if (columns.size() <= kTxBytes) continue;
    const auto rx = ToU64(columns[kRxBytes]);
    const auto tx = ToU64(columns[kTxBytes]);
    if (!rx || !tx) continue;
    interfaces.push_back({CleanField(lines[i].substr(0, colon)), *rx, *tx});
  }
  return interfaces;
}

}  // namespace tentacle::agent
