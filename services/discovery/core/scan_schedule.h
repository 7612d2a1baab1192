// When the next timed sweep is due.
#pragma once

#include <optional>

#include <absl/time/time.h>

namespace tentacle::discovery {

// How long to wait for it; nothing when `interval` is zero, which means only on request.
// `last_scan` is the last one that was started, by whomever; InfinitePast when there was none. At
// least `at_least`.
std::optional<absl::Duration> UntilNextScan(absl::Duration interval,
                                            absl::Time last_scan,
                                            absl::Time now,
                                            absl::Duration at_least);

}  // namespace tentacle::discovery
