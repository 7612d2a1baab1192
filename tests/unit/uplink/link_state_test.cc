#include "services/uplink/core/link_state.h"

#include <fmt/format.h>

#include <iterator>
#include <random>

#include <gtest/gtest.h>

#include "tests/support/golden.h"

namespace tentacle::uplink {
namespace {

constexpr retry::BackoffPolicy kPolicy{absl::Seconds(1), absl::Seconds(60)};
const absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);

TEST(LinkState, MatrixOfEveryStateAndEvent) {
  std::string matrix;
  for (const LinkState from : kLinkStates) {
    for (const LinkEvent event : kLinkEvents) {
      const LinkMove move = Next(from, event);
      matrix += fmt::format("{:<13} {:<17} -> {:<13} {}\n", Name(from), Name(event), Name(move.to),
                            Name(move.act));
    }
  }
  testing::ExpectGolden("uplink/link_state.txt", matrix);
}

LinkMachine Online() {
  LinkMachine machine(kPolicy, absl::Minutes(1));
  machine.On(LinkEvent::kIdentityFound, "", kStart, 0);
  machine.On(LinkEvent::kConnected, "", kStart, 0);
  return machine;
}

TEST(LinkMachine, TellsSinceWhenAndWhy) {
  LinkMachine machine(kPolicy, absl::Minutes(1));
  machine.On(LinkEvent::kIdentityMissing, "no key", kStart, 0);
  machine.On(LinkEvent::kIdentityMissing, "still no key", kStart + absl::Seconds(2), 0);
  EXPECT_EQ(machine.state(), LinkState::kNotEnrolled);
  EXPECT_EQ(machine.since(), kStart);
  EXPECT_EQ(machine.reason(), "still no key");
}

TEST(LinkMachine, SetApartIsAStateOfItsOwnUntilTheConnectionEnds) {
  LinkMachine machine = Online();
  machine.On(LinkEvent::kSetApart, "another has our key", kStart + absl::Seconds(1), 0);
  EXPECT_EQ(machine.state(), LinkState::kQuarantined);
  EXPECT_EQ(machine.reason(), "another has our key");
  const auto step = machine.On(LinkEvent::kLost, "closed", kStart + absl::Seconds(2), 0);
  EXPECT_EQ(step.act, LinkAct::kWaitAndRetry);
}

TEST(LinkMachine, DelayGrowsWhileConnectionsBreakAtOnce) {
  LinkMachine machine = Online();
  absl::Duration last = absl::ZeroDuration();
  for (int i = 0; i < 5; ++i) {
    const auto step = machine.On(LinkEvent::kLost, "", kStart + absl::Seconds(59), 1.0);
    EXPECT_EQ(step.act, LinkAct::kWaitAndRetry);
    EXPECT_GT(step.delay, last);
    last = step.delay;
    machine.On(LinkEvent::kIdentityFound, "", kStart + absl::Seconds(59), 0);
    machine.On(LinkEvent::kConnected, "", kStart + absl::Seconds(59), 0);
  }
}

TEST(LinkMachine, DelayBeginsAnewAfterAStableMinute) {
  LinkMachine machine(kPolicy, absl::Minutes(1));
  machine.On(LinkEvent::kIdentityFound, "", kStart, 0);
  for (int i = 0; i < 5; ++i) {
    machine.On(LinkEvent::kConnectFailed, "", kStart, 1.0);
    machine.On(LinkEvent::kIdentityFound, "", kStart, 0);
  }
  machine.On(LinkEvent::kConnected, "", kStart, 0);
  const auto step = machine.On(LinkEvent::kLost, "", kStart + absl::Minutes(1), 1.0);
  EXPECT_EQ(step.delay, kPolicy.base);
}

TEST(LinkMachine, SlotOfAGoodbyeIsHeededToTheLetter) {
  LinkMachine machine = Online();
  const auto step = machine.On(LinkEvent::kLost, "goodbye", kStart + absl::Hours(1), 1.0,
                               absl::Milliseconds(12345));
  EXPECT_EQ(step.act, LinkAct::kWaitAndRetry);
  EXPECT_EQ(step.delay, absl::Milliseconds(12345));
}

TEST(LinkMachine, RetryAfterOfARefusalComesOnTopOfTheSpread) {
  LinkMachine machine(kPolicy, absl::Minutes(1));
  machine.On(LinkEvent::kIdentityFound, "", kStart, 0);
  const auto step = machine.On(LinkEvent::kConnectFailed, "503", kStart, 1.0, absl::Seconds(30));
  EXPECT_EQ(step.delay, absl::Seconds(30) + kPolicy.base);
}

TEST(LinkMachine, WhatDoesNotFitTheStateChangesNothing) {
  LinkMachine machine = Online();
  const auto step = machine.On(LinkEvent::kConnected, "twice", kStart + absl::Seconds(1), 0);
  EXPECT_EQ(step.act, LinkAct::kIgnore);
  EXPECT_EQ(machine.reason(), "");
  EXPECT_EQ(machine.since(), kStart);
}

// Bar I6: whatever the clock is set to, attempts keep their distance.
TEST(LinkMachine, StepsOfTheClockNeitherHurryNorHoldIt) {
  std::mt19937_64 random(6);
  const absl::Duration steps[] = {absl::Hours(1), -absl::Hours(1), absl::Hours(9600),
                                  -absl::Hours(9600)};
  LinkMachine machine(kPolicy, absl::Minutes(1));
  absl::Time now = kStart;
  absl::Duration waited = absl::ZeroDuration();
  constexpr int kAttempts = 1000;
  machine.On(LinkEvent::kIdentityFound, "", now, 0);
  for (int i = 0; i < kAttempts; ++i) {
    now += steps[random() % std::size(steps)];
    const auto step = machine.On(LinkEvent::kConnectFailed, "", now, 0.5);
    ASSERT_EQ(step.act, LinkAct::kWaitAndRetry);
    ASSERT_LE(step.delay, kPolicy.cap);
    waited += step.delay;
    now += step.delay;
    machine.On(LinkEvent::kIdentityFound, "", now, 0);
  }
  // All but the first few wait for half the cap: that is where the dice lie.
  EXPECT_GT(waited, (kAttempts - 10) * kPolicy.cap / 2);
}

}  // namespace
}  // namespace tentacle::uplink
