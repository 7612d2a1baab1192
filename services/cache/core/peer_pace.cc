#include "services/cache/core/peer_pace.h"

#include <algorithm>

#include <absl/time/time.h>

#include "services/cache/limits.h"

namespace tentacle::cache {

bool PeerPace::IsSlow(std::uint64_t bytes, bool had_them, double line_mbit, Instant now) {
  bytes_ += bytes;
  waits_ = waits_ || !had_them;
  const double seconds = std::chrono::duration<double>(now - began_).count();
  const absl::Duration window = waits_ ? limits::kWaitingPeerJudgedAfter : limits::kPeerJudgedAfter;
  if (seconds < absl::ToDoubleSeconds(window)) return false;
  const double mbit = static_cast<double>(bytes_) * 8 / 1e6 / seconds;
  double least = line_mbit * limits::kPeerLeastShare;
  // Its line may be busy with what is more urgent.
  if (waits_) least = std::min(least, limits::kWaitingPeerLeastMbit);
  *this = PeerPace(now);
  return mbit < least;
}

}  // namespace tentacle::cache
