// When each tentacle is to come back after the backend has stopped: spread, so that the next one is
// not run over. Pure.
#pragma once

#include <algorithm>
#include <cstddef>

#include <absl/time/time.h>

namespace tentacle::backend {

// Slower than they would be let in (arrival_pace.h): a place that was given is not refused.
constexpr double kReturnsPerSecond = 40;
constexpr absl::Duration kLongestSpread = absl::Seconds(40);
// A restart takes about so long.
constexpr absl::Duration kFirstReturn = absl::Seconds(2);
constexpr absl::Duration kShortestSpread = absl::Seconds(3);

// The `index`-th of `sessions`; `random` in [0, 1) moves it within its place.
inline absl::Duration ReconnectSlot(std::size_t index, std::size_t sessions, double random) {
  const absl::Duration spread =
      std::clamp(absl::Seconds(static_cast<double>(sessions) / kReturnsPerSecond), kShortestSpread,
                 kLongestSpread);
  const double place = (static_cast<double>(index) + random) /
                       static_cast<double>(std::max<std::size_t>(sessions, 1));
  return kFirstReturn + spread * place;
}

}  // namespace tentacle::backend
