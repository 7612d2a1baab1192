#include "services/cache/core/line_share.h"

#include <algorithm>

namespace tentacle::cache {

namespace {

constexpr double kBytesPerMbit = 1e6 / 8;
constexpr double kBurstSeconds = 0.1;
// A piece of curl's; less would make every piece wait for its whole self.
constexpr double kMinBurstBytes = 16 * 1024;
// A queue of a router holds about as much without harm.
constexpr double kMaxBurstBytes = 256 * 1024;
// The kernel makes between a half and nearly all of it the window.
constexpr double kWindowSeconds = 0.25;
constexpr double kMinWindowBytes = 64 * 1024;
constexpr double kMaxWindowBytes = 16 * 1024 * 1024;

double Seconds(std::chrono::steady_clock::duration span) {
  return std::chrono::duration<double>(span).count();
}

}  // namespace

double LineShare::BurstBytes(double mbit) {
  return std::clamp(mbit * kBytesPerMbit * kBurstSeconds, kMinBurstBytes, kMaxBurstBytes);
}

std::size_t LineShare::WindowBytes(double mbit) {
  return static_cast<std::size_t>(
      std::clamp(mbit * kBytesPerMbit * kWindowSeconds, kMinWindowBytes, kMaxWindowBytes));
}

void LineShare::Refill(Instant now) {
  if (!limit_mbit_) return;
  const double gained = Seconds(now - filled_at_) * *limit_mbit_ * kBytesPerMbit;
  if (gained > 0) tokens_ = std::min(tokens_ + gained, BurstBytes(*limit_mbit_));
  filled_at_ = now;
}

void LineShare::SetLimit(std::optional<double> mbit, Instant now) {
  if (limit_mbit_) {
    Refill(now);
  } else {
    tokens_ = 0;
  }
  filled_at_ = now;
  limit_mbit_ = mbit;
  if (mbit) tokens_ = std::min(tokens_, BurstBytes(*mbit));
}

absl::Duration LineShare::Take(Claim claim, std::uint64_t bytes, Instant now) {
  if (claim == Claim::kDemand) {
    last_demand_ = now;
  } else if (last_demand_ != Instant::min()) {
    const absl::Duration since = absl::FromChrono(now - last_demand_);
    if (since < kPrecedence) return kPrecedence - since;
  }
  if (!limit_mbit_) return absl::ZeroDuration();
  Refill(now);
  // Never nothing: that would say they are taken.
  if (tokens_ < 0) {
    return std::max(absl::Microseconds(1),
                    absl::Seconds(-tokens_ / (*limit_mbit_ * kBytesPerMbit)));
  }
  tokens_ -= static_cast<double>(bytes);
  return absl::ZeroDuration();
}

}  // namespace tentacle::cache
