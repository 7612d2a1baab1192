// The backend's time: ours, until the backend refuses a token and tells another. From then on it is
// what the backend said, going on by the monotonic clock, so that no step of ours matters. Thread
// safe.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>

#include <absl/time/clock.h>
#include <absl/time/time.h>

#include "services/cache/limits.h"

namespace tentacle::cache {

class BackendClock {
 public:
  struct Reading {
    absl::Time wall;
    absl::Duration monotonic;
  };

  static Reading ReadNow() {
    return {absl::Now(), absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch())};
  }

  // A token was refused at that time. True: Now() had said another; the next token may do.
  bool Learn(absl::Time told, Reading now) {
    const std::lock_guard lock(mutex_);
    if (absl::AbsDuration(told - TimeAt(now)) <= limits::kClockTolerance) return false;
    ahead_of_monotonic_ = told - absl::UnixEpoch() - now.monotonic;
    return true;
  }

  absl::Time Now(Reading now = ReadNow()) const {
    const std::lock_guard lock(mutex_);
    return TimeAt(now);
  }

 private:
  absl::Time TimeAt(Reading now) const {
    if (!ahead_of_monotonic_) return now.wall;
    return absl::UnixEpoch() + *ahead_of_monotonic_ + now.monotonic;
  }

  mutable std::mutex mutex_;
  std::optional<absl::Duration> ahead_of_monotonic_;
};

}  // namespace tentacle::cache
