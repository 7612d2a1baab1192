#include "libs/retry/backoff.h"

#include <algorithm>

namespace tentacle::retry {

namespace {

// 2^30 of a millisecond is 12 days: no cap lies above, and the product cannot overflow.
constexpr int kMaxDoublings = 30;

}  // namespace

Backoff::Backoff(BackoffPolicy policy) : policy_(policy) {
  policy_.base = std::max(policy_.base, absl::Milliseconds(1));
  policy_.cap = std::max(policy_.cap, policy_.base);
}

absl::Duration Backoff::ceiling() const {
  const int doublings = std::min(failures_, kMaxDoublings);
  return std::min(policy_.cap, policy_.base * (1 << doublings));
}

absl::Duration Backoff::Next(double random) {
  const absl::Duration delay = ceiling() * std::clamp(random, 0.0, 1.0);
  failures_ = std::min(failures_ + 1, kMaxDoublings);
  return delay;
}

}  // namespace tentacle::retry
