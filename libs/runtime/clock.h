// Time as an argument: what a service may ask for the hour.
#pragma once

#include <chrono>

#include <absl/time/clock.h>
#include <absl/time/time.h>

namespace tentacle::runtime {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;

  // Runs on however the clock is set: for what has to last so long, never for people or the disk.
  virtual absl::Time Steady() const { return Now(); }
};

class RealClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }

  absl::Time Steady() const override {
    return absl::UnixEpoch() +
           absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
  }
};

}  // namespace tentacle::runtime
