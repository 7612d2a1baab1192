// When a number of bytes will have come over the line, and whether a deadline holds. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <absl/time/time.h>

#include "libs/schedule/weekly.h"

namespace tentacle::schedule {

struct Plan {
  std::uint64_t bytes = 0;        // That have to come over the line.
  std::uint64_t ahead_bytes = 0;  // Of others, which come first.
  // What the line gave when it was measured; 0: nobody knows yet, and nothing can be said.
  double throughput_mbit = 0;
  BandwidthCalendar calendar;
  std::vector<Window> windows;  // Empty: at any time.
  absl::TimeZone zone = absl::UTCTimeZone();
  absl::Time not_before = absl::InfinitePast();
  absl::Time deadline = absl::InfiniteFuture();
};

enum class Feasibility { kUnknown, kInTime, kLate };

struct Forecast {
  Feasibility feasibility = Feasibility::kUnknown;
  // Infinite: never within kHorizon, or unknown.
  absl::Time done = absl::InfiniteFuture();
  // How much of it will be there at the deadline, 0 to 100; 100 without a deadline.
  double percent_at_deadline = 100;
  // One sentence for people, times in the plan's zone.
  std::string sentence;
};

// Nobody plans further ahead.
inline constexpr absl::Duration kHorizon = absl::Hours(24 * 60);

Forecast MakeForecast(const Plan& plan, absl::Time now);

// "there by Tue 1 Dec 03:12": the form of times in sentences.
std::string ForPeople(absl::Time time, const absl::TimeZone& zone);

}  // namespace tentacle::schedule
