// Whether a device is there, told without noise: each device's own habit of being silent is
// learned, and one that comes and goes is called flapping once instead of being announced each
// time.
#pragma once

#include <optional>
#include <string_view>

#include <absl/time/time.h>

namespace tentacle::discovery {

enum class PresenceState { kNew, kOnline, kFlapping, kGone };
std::string_view PresenceStateName(PresenceState state);  // "new", ...
std::optional<PresenceState> PresenceStateFromName(std::string_view name);

struct Presence {
  PresenceState state = PresenceState::kNew;
  absl::Time since;  // The state.
  // The longest silence after which it was heard again; older ones fade.
  absl::Duration usual_gap;
  // One a return, halved every kFlapHalfLife. As of `penalty_at`.
  double penalty = 0;
  absl::Time penalty_at = absl::InfinitePast();

  bool operator==(const Presence&) const = default;
};

struct PresenceRules {
  // Silence that makes a device gone when nothing else is known of it: two sweeps and a little.
  absl::Duration gone_after = absl::Minutes(125);
};

// A new device is new for this long.
constexpr absl::Duration kNewFor = absl::Hours(24);
// A phone that sleeps through a weekend is still a phone that sleeps.
constexpr absl::Duration kMaxUsualGap = absl::Hours(72);
constexpr absl::Duration kFlapHalfLife = absl::Hours(6);
constexpr double kFlapsFrom = 3;   // Returns that make it flapping,
constexpr double kFlapsUntil = 1;  // and what is left of them when it is no longer.

// It was heard, after `silence`. The new state, when it is another one.
std::optional<PresenceState> OnHeard(Presence& presence,
                                     absl::Duration silence,
                                     absl::Time first_seen,
                                     absl::Time now);
// Time has passed; `silence` counts only while somebody listened.
std::optional<PresenceState> OnSilence(Presence& presence,
                                       absl::Duration silence,
                                       absl::Time now,
                                       const PresenceRules& rules);

}  // namespace tentacle::discovery
