#include "services/discovery/core/presence.h"

#include <gtest/gtest.h>

namespace tentacle::discovery {
namespace {

const absl::Time kNoon = absl::FromUnixSeconds(1'700'000'000);
const absl::Time kLongAgo = kNoon - absl::Hours(24 * 30);
const PresenceRules kRules{absl::Hours(2)};

Presence Online() {
  Presence presence;
  presence.state = PresenceState::kOnline;
  presence.since = kLongAgo;
  return presence;
}

TEST(Presence, ANewDeviceIsOnlineAfterADay) {
  Presence presence;
  EXPECT_EQ(OnHeard(presence, absl::Hours(1), kNoon, kNoon + absl::Hours(23)), std::nullopt);
  EXPECT_EQ(OnHeard(presence, absl::Hours(1), kNoon, kNoon + absl::Hours(25)),
            PresenceState::kOnline);
}

TEST(Presence, SilenceMakesItGoneAndAWordBringsItBack) {
  Presence presence = Online();
  EXPECT_EQ(OnSilence(presence, absl::Hours(1), kNoon, kRules), std::nullopt);
  EXPECT_EQ(OnSilence(presence, absl::Hours(3), kNoon, kRules), PresenceState::kGone);
  EXPECT_EQ(OnSilence(presence, absl::Hours(4), kNoon, kRules), std::nullopt);
  EXPECT_EQ(OnHeard(presence, absl::Hours(8), kLongAgo, kNoon), PresenceState::kOnline);
}

TEST(Presence, APhoneThatSleepsEveryNightMakesNoNoiseFromTheSecondNightOn) {
  Presence presence = Online();
  ASSERT_EQ(OnSilence(presence, absl::Hours(3), kNoon, kRules), PresenceState::kGone);
  ASSERT_EQ(OnHeard(presence, absl::Hours(8), kLongAgo, kNoon + absl::Hours(5)),
            PresenceState::kOnline);
  EXPECT_EQ(OnSilence(presence, absl::Hours(9), kNoon + absl::Hours(24), kRules), std::nullopt);
  // Twelve hours are half as long again as usual.
  EXPECT_EQ(OnSilence(presence, absl::Hours(13), kNoon + absl::Hours(30), kRules),
            PresenceState::kGone);
}

TEST(Presence, TheThirdReturnIsFlappingAndNothingIsSaidUntilItIsCalm) {
  Presence presence = Online();
  absl::Time now = kNoon;
  for (int turn = 0; turn < 4 && presence.state != PresenceState::kFlapping; ++turn) {
    presence.usual_gap = absl::ZeroDuration();  // As if each silence were the first.
    ASSERT_EQ(OnSilence(presence, absl::Hours(3), now, kRules), PresenceState::kGone) << turn;
    now += absl::Minutes(10);
    OnHeard(presence, absl::Minutes(1), kLongAgo, now);
  }
  ASSERT_EQ(presence.state, PresenceState::kFlapping);
  EXPECT_EQ(OnSilence(presence, absl::Hours(3), now + absl::Hours(1), kRules), std::nullopt);
  EXPECT_EQ(OnHeard(presence, absl::Hours(3), kLongAgo, now + absl::Hours(2)), std::nullopt);
  EXPECT_EQ(OnHeard(presence, absl::Minutes(1), kLongAgo, now + absl::Hours(24)),
            PresenceState::kOnline);
}

TEST(Presence, OneThatFlappedAndStaysAwayIsGoneInTheEnd) {
  Presence presence = Online();
  presence.state = PresenceState::kFlapping;
  presence.penalty = 3.5;
  presence.penalty_at = kNoon;
  EXPECT_EQ(OnSilence(presence, absl::Hours(5), kNoon + absl::Hours(5), kRules), std::nullopt);
  EXPECT_EQ(OnSilence(presence, absl::Hours(20), kNoon + absl::Hours(20), kRules),
            PresenceState::kGone);
}

TEST(Presence, StatesHaveNamesThatAreReadBack) {
  for (const auto state : {PresenceState::kNew, PresenceState::kOnline, PresenceState::kFlapping,
                           PresenceState::kGone}) {
    EXPECT_EQ(PresenceStateFromName(PresenceStateName(state)), state);
  }
  EXPECT_EQ(PresenceStateFromName("asleep"), std::nullopt);
}

}  // namespace
}  // namespace tentacle::discovery
