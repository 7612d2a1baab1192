#include "services/agent/core/parse_meminfo.h"

#include <algorithm>
#include <optional>

#include "services/agent/core/fields.h"

namespace tentacle::agent {

absl::StatusOr<Memory> ParseMemInfo(std::string_view text) {
  constexpr std::uint64_t kMostKilobytes = 1ull
                                           << 50;  // More is no memory and would not fit in octets.
  std::optional<std::uint64_t> total;
  std::optional<std::uint64_t> available;
  std::uint64_t reclaimable = 0;
  for (const auto line : Lines(text)) {
    const auto pair = KeyValue(line, ':');
    if (!pair) continue;
    const auto fields = Fields(pair->second);
    if (fields.empty()) continue;
    const auto kilobytes = ToU64(fields[0]);
    if (!kilobytes || *kilobytes > kMostKilobytes) continue;
    if (pair->first == "MemTotal") total = *kilobytes * 1024;
    if (pair->first == "MemAvailable") available = *kilobytes * 1024;
    if (pair->first == "MemFree" || pair->first == "Buffers" || pair->first == "Cached") {
      reclaimable += *kilobytes * 1024;
    }
  }
  if (!total || *total == 0) return absl::InvalidArgumentError("meminfo: no MemTotal");
  return Memory{*total, std::min(*total, available.value_or(reclaimable))};
}

}  // namespace tentacle::agent
