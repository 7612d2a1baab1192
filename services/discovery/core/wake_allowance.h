// How often machines are woken: a tentacle that wakes faster than a person would is somebody's
// tool.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "services/discovery/limits.h"

namespace tentacle::discovery {

class WakeAllowance {
 public:
  // ResourceExhausted, or one wake is used up. `last`: when this machine was woken; InfinitePast:
  // never.
  absl::Status Take(absl::Time last, absl::Time now);

 private:
  double left_ = limits::kWakeBurst;
  absl::Time at_ = absl::InfinitePast();
};

}  // namespace tentacle::discovery
