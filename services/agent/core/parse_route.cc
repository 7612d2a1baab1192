#include "services/agent/core/parse_route.h"

#include <fmt/format.h>

#include <cstdint>
#include <limits>

#include "services/agent/core/fields.h"

namespace tentacle::agent {

absl::StatusOr<std::string> ParseDefaultGateway(std::string_view text) {
  // Iface Destination Gateway Flags RefCnt Use Metric Mask ...
  constexpr std::size_t kColumns = 8;
  const auto lines = Lines(text);
  if (lines.empty() || !lines[0].starts_with("Iface")) {
    return absl::InvalidArgumentError("net/route: no header");
  }
  std::string gateway;
  std::uint64_t best = std::numeric_limits<std::uint64_t>::max();
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const auto columns = Fields(lines[i]);
    if (columns.size() < kColumns || columns[1] != "00000000" || columns[7] != "00000000") continue;
    const auto address = ToU64(columns[2], 16);
    const auto metric = ToU64(columns[6]);
    if (!address || *address == 0 || *address > 0xFFFFFFFF || !metric || *metric >= best) continue;
    best = *metric;
    // The kernel prints the four octets as one number of the host, and every host we run on (amd64,
    // arm64) is little-endian.
    gateway = fmt::format("{}.{}.{}.{}", *address & 0xFF, (*address >> 8) & 0xFF,
                          (*address >> 16) & 0xFF, *address >> 24);
  }
  return gateway;
}

}  // namespace tentacle::agent
