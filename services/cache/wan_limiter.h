// The gate to the WAN that every pull thread passes with each piece: keeps the limit in force, and
// demands before prepulls.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>

#include "services/cache/core/line_measure.h"
#include "services/cache/core/line_share.h"
#include "services/cache/line_limiter.h"

namespace tentacle::cache {

// Thread safe.
class WanLimiter final : public LineLimiter {
 public:
  // What the line gave when it was last measured; 0: never.
  explicit WanLimiter(double measured_mbit = 0) : measure_(measured_mbit) {}

  // Takes effect at once, also for those who wait. Nothing: unlimited.
  void SetLimit(std::optional<double> mbit);
  std::optional<double> limit_mbit() const;

  void Take(std::uint64_t bytes, const std::atomic<PullClass>& pull_class, Stopping& stop) override;
  std::optional<std::size_t> Window() const override;

  void SetMeasured(double mbit);
  double measured_mbit() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  LineShare share_;
  LineMeasure measure_;
};

}  // namespace tentacle::cache
