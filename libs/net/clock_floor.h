// A box without a battery wakes up in 1970 and refuses every certificate as not yet valid. It
// cannot be earlier than what it was made for and what it has seen, so certificates are judged no
// earlier than that.
#pragma once

#include <string>

#include <absl/time/time.h>

namespace tentacle::net {

// The later of: this program's own file, and the last time that was remembered. Blocking (two stat
// calls).
absl::Time ClockFloor(const std::string& state_dir);
// A server whose certificate held was reached just now. Blocking.
void RememberGoodTime(const std::string& state_dir, absl::Time now);

}  // namespace tentacle::net
