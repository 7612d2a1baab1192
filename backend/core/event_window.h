// How many events a tentacle may have under way, so that all of them together do not flatten the
// database after an outage. Pure.
#pragma once

#include <algorithm>
#include <cstddef>

namespace tentacle::backend {

// What a tentacle assumes while nothing is granted (docs/protocol.md section 3).
constexpr std::size_t kUngrantedWindow = 64;
// Of all sessions: at a thousand commits a second they wait for a few seconds at most.
constexpr std::size_t kEventsUnderWay = 4096;
// Fewer would make each event wait for a round trip of its own.
constexpr std::size_t kSmallestWindow = 4;

inline std::size_t EventWindow(std::size_t sessions) {
  const std::size_t share = kEventsUnderWay / std::max<std::size_t>(sessions, 1);
  return std::clamp(share, kSmallestWindow, kUngrantedWindow);
}

}  // namespace tentacle::backend
