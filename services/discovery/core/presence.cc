#include "services/discovery/core/presence.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace tentacle::discovery {

namespace {

constexpr std::array<std::string_view, 4> kNames = {"new", "online", "flapping", "gone"};

// Silences below this are how everybody talks.
constexpr absl::Duration kNoGap = absl::Minutes(5);
// What an older gap is worth when a newer one is learned, and how much longer than usual is too
// long.
constexpr double kGapFades = 0.8;
constexpr double kGapMargin = 1.5;

double PenaltyNow(const Presence& presence, absl::Time now) {
  const double half_lives =
      std::max(0.0, absl::FDivDuration(now - presence.penalty_at, kFlapHalfLife));
  return presence.penalty == 0 ? 0 : presence.penalty * std::exp2(-half_lives);
}

std::optional<PresenceState> Enter(Presence& presence, PresenceState state, absl::Time now) {
  if (presence.state == state) return std::nullopt;
  presence.state = state;
  presence.since = now;
  return state;
}

void LearnGap(Presence& presence, absl::Duration silence) {
  if (silence < kNoGap) return;
  presence.usual_gap = std::min(kMaxUsualGap, std::max(silence, kGapFades * presence.usual_gap));
}

}  // namespace

std::string_view PresenceStateName(PresenceState state) {
  return kNames[static_cast<std::size_t>(state)];
}

std::optional<PresenceState> PresenceStateFromName(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<PresenceState>(i);
  }
  return std::nullopt;
}

std::optional<PresenceState> OnHeard(Presence& presence,
                                     absl::Duration silence,
                                     absl::Time first_seen,
                                     absl::Time now) {
  LearnGap(presence, silence);
  const bool is_new = now - first_seen < kNewFor;
  const PresenceState there = is_new ? PresenceState::kNew : PresenceState::kOnline;
  switch (presence.state) {
    case PresenceState::kGone:
      presence.penalty = PenaltyNow(presence, now) + 1;
      presence.penalty_at = now;
      return Enter(presence, presence.penalty >= kFlapsFrom ? PresenceState::kFlapping : there,
                   now);
    case PresenceState::kFlapping:
      if (PenaltyNow(presence, now) > kFlapsUntil) return std::nullopt;
      return Enter(presence, there, now);
    case PresenceState::kNew:
    case PresenceState::kOnline:
      return Enter(presence, there, now);
  }
  return std::nullopt;
}

std::optional<PresenceState> OnSilence(Presence& presence,
                                       absl::Duration silence,
                                       absl::Time now,
                                       const PresenceRules& rules) {
  if (presence.state == PresenceState::kGone) return std::nullopt;
  if (silence <= std::max(rules.gone_after, kGapMargin * presence.usual_gap)) return std::nullopt;
  // Who is flapping has been told of already: it is gone only when it stays away.
  if (presence.state == PresenceState::kFlapping && PenaltyNow(presence, now) > kFlapsUntil) {
    return std::nullopt;
  }
  return Enter(presence, PresenceState::kGone, now);
}

}  // namespace tentacle::discovery
