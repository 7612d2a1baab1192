// Who may take how much from the line now: a token bucket for all pulls, and demands before
// prepulls. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <absl/time/time.h>

namespace tentacle::cache {

// A machine or a person waits for it, or it only has to be there (or be whole again) some day.
enum class Claim { kDemand, kPrepull };

class LineShare {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  // Nothing: unlimited. What was saved up under the old limit is kept within the new burst.
  void SetLimit(std::optional<double> mbit, Instant now);

  std::optional<double> limit_mbit() const { return limit_mbit_; }

  // Zero: `bytes` are taken, and at once (as a debt that the next ones wait for, so that a piece of
  // any size passes and the average is exact). Else nothing is taken; ask again after so long at
  // the latest.
  absl::Duration Take(Claim claim, std::uint64_t bytes, Instant now);

  // What may come at once after a pause: a tenth of a second of the limit, within bounds.
  static double BurstBytes(double mbit);

  // What may be under way at a limit: enough for a round trip of 125 ms at least, too little to be
  // seen in the rate over ten seconds.
  static std::size_t WindowBytes(double mbit);

 private:
  void Refill(Instant now);

  std::optional<double> limit_mbit_;
  double tokens_ = 0;
  Instant filled_at_;
  Instant last_demand_ = Instant::min();
};

// So long after a demand has asked for the line prepulls stay away from it: a demand that goes on
// asks again much sooner.
inline constexpr absl::Duration kPrecedence = absl::Seconds(1);

}  // namespace tentacle::cache
