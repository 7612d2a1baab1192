// Time as an argument: what a service may ask for the hour.
#pragma once

#include <absl/time/clock.h>
#include <absl/time/time.h>

namespace tentacle::runtime {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;
};

class RealClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }
};

}  // namespace tentacle::runtime
