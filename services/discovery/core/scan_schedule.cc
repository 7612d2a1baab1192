#include "services/discovery/core/scan_schedule.h"

#include <algorithm>

namespace tentacle::discovery {

std::optional<absl::Duration> UntilNextScan(absl::Duration interval,
                                            absl::Time last_scan,
                                            absl::Time now,
                                            absl::Duration at_least) {
  if (interval <= absl::ZeroDuration()) return std::nullopt;
  // A clock that was set back must not put the next sweep off by more than one interval.
  const absl::Duration wait = std::min(last_scan + interval - now, interval);
  return std::max(wait, at_least);
}

}  // namespace tentacle::discovery
