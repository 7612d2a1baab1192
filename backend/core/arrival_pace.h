// How fast tentacles are let in when all come at once, because a backend or a line broke. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>

#include <absl/time/time.h>

namespace tentacle::backend {

// A greeting costs three transactions; so many a second leave room for everything else.
constexpr double kArrivalsPerSecond = 45;
// A large fleet comes faster, so that each is back within a minute.
constexpr double kFleetPerArrival = 32;
// So many seconds' worth may come at once.
constexpr double kArrivalBurstSeconds = 0.25;
// Who is told to come later is told no later time than this.
constexpr absl::Duration kLongestStay = absl::Seconds(60);

// `fleet`: tentacles that there are.
inline double ArrivalsPerSecond(std::size_t fleet) {
  return std::max(kArrivalsPerSecond, static_cast<double>(fleet) / kFleetPerArrival);
}

class ArrivalPace {
 public:
  // Nothing: come in. Otherwise after how long to come again: at the pace, behind those that were
  // told so before.
  std::optional<absl::Duration> Arrive(absl::Time now, std::size_t fleet) {
    const double rate = ArrivalsPerSecond(fleet);
    const double most = rate * kArrivalBurstSeconds;
    const absl::Duration passed = std::max(now - filled_at_, absl::ZeroDuration());
    room_ = std::min(most, room_ + rate * absl::ToDoubleSeconds(std::min(passed, kLongestStay)));
    filled_at_ = now;
    if (room_ >= 1) {
      room_ -= 1;
      return std::nullopt;
    }
    const absl::Time soonest = now + absl::Seconds(1);
    if (next_place_ > now + kLongestStay) next_place_ = soonest;
    next_place_ = std::max(next_place_, soonest) + absl::Seconds(1) / rate;
    return next_place_ - now;
  }

 private:
  double room_ = 0;
  absl::Time filled_at_ = absl::InfinitePast();
  absl::Time next_place_ = absl::InfinitePast();
};

}  // namespace tentacle::backend
