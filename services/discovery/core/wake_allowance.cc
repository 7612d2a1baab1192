#include "services/discovery/core/wake_allowance.h"

#include <algorithm>

namespace tentacle::discovery {

absl::Status WakeAllowance::Take(absl::Time last, absl::Time now) {
  // A clock that was set back does not lock the machine out until it has caught up.
  if (last <= now && now - last < limits::kWakeEvery)
    return absl::ResourceExhaustedError("this machine was woken less than a second ago");
  if (at_ != absl::InfinitePast()) {
    const double seconds = std::max(0.0, absl::ToDoubleSeconds(now - at_));
    left_ =
        std::min(limits::kWakeBurst, left_ + seconds / absl::ToDoubleSeconds(limits::kWakeEvery));
  }
  at_ = now;
  if (left_ < 1)
    return absl::ResourceExhaustedError("too many machines were woken just now: one a second");
  left_ -= 1;
  return absl::OkStatus();
}

}  // namespace tentacle::discovery
