#include "services/agent/core/parse_stat.h"

#include "services/agent/core/fields.h"

namespace tentacle::agent {

absl::StatusOr<CpuTimes> ParseStat(std::string_view text) {
  // proc(5): user nice system idle iowait irq softirq steal; guest and guest_nice are in user and
  // nice already and must not be counted twice.
  constexpr std::size_t kIdle = 4;
  constexpr std::size_t kIowait = 5;
  constexpr std::size_t kLast = 8;
  for (const auto line : Lines(text)) {
    const auto fields = Fields(line);
    if (fields.empty() || fields[0] != "cpu") continue;
    if (fields.size() <= kIdle) break;
    CpuTimes times;
    for (std::size_t i = 1; i < fields.size() && i <= kLast; ++i) {
      const auto ticks = ToU64(fields[i]);
      if (!ticks) return absl::InvalidArgumentError("stat: a tick count is no number");
      times.total += *ticks;
      if (i == kIdle || i == kIowait) times.idle += *ticks;
    }
    return times;
  }
  return absl::InvalidArgumentError("stat: no line for all processors");
}

}  // namespace tentacle::agent
