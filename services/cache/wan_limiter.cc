#include "services/cache/wan_limiter.h"

#include <algorithm>
#include <chrono>

#include "services/cache/limits.h"

namespace tentacle::cache {

void WanLimiter::SetLimit(std::optional<double> mbit) {
  const std::lock_guard lock(mutex_);
  share_.SetLimit(mbit, std::chrono::steady_clock::now());
  changed_.notify_all();
}

std::optional<double> WanLimiter::limit_mbit() const {
  const std::lock_guard lock(mutex_);
  return share_.limit_mbit();
}

void WanLimiter::Take(std::uint64_t bytes,
                      const std::atomic<PullClass>& pull_class,
                      Stopping& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.begun()) {
    const auto now = std::chrono::steady_clock::now();
    const Claim claim =
        pull_class < PullClass::kTask ? Claim::kPrepull : Claim::kDemand;  // It may have risen.
    const absl::Duration wait = share_.Take(claim, bytes, now);
    if (wait <= absl::ZeroDuration()) {
      measure_.Add(bytes, share_.limit_mbit(), now);
      return;
    }
    // Within a slice a stop is noticed, and a demand that waits goes on counting as one.
    changed_.wait_for(lock, absl::ToChronoNanoseconds(std::min(wait, limits::kLimiterSlice)));
  }
}

std::optional<std::size_t> WanLimiter::Window() const {
  const auto mbit = limit_mbit();
  if (!mbit) return std::nullopt;
  return LineShare::WindowBytes(*mbit);
}

void WanLimiter::SetMeasured(double mbit) {
  const std::lock_guard lock(mutex_);
  measure_ = LineMeasure(mbit);
}

double WanLimiter::measured_mbit() const {
  const std::lock_guard lock(mutex_);
  return measure_.mbit();
}

}  // namespace tentacle::cache
