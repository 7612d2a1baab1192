#include "services/discovery/core/wake_allowance.h"

#include <gtest/gtest.h>

namespace tentacle::discovery {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);
constexpr absl::Time kNever = absl::InfinitePast();

TEST(WakeAllowance, OneMachineIsWokenOnceASecond) {
  WakeAllowance allowance;
  EXPECT_TRUE(allowance.Take(kNever, kNow).ok());
  const absl::Status soon = allowance.Take(kNow, kNow + absl::Milliseconds(999));
  EXPECT_TRUE(absl::IsResourceExhausted(soon));
  EXPECT_EQ(soon.message(), "this machine was woken less than a second ago");
  EXPECT_TRUE(allowance.Take(kNow, kNow + absl::Seconds(1)).ok());
}

TEST(WakeAllowance, ARoomOfMachinesIsWokenAtOnceThenOneASecond) {
  WakeAllowance allowance;
  for (int i = 0; i < static_cast<int>(limits::kWakeBurst); ++i)
    EXPECT_TRUE(allowance.Take(kNever, kNow).ok()) << i;
  EXPECT_TRUE(absl::IsResourceExhausted(allowance.Take(kNever, kNow)));
  EXPECT_TRUE(allowance.Take(kNever, kNow + absl::Seconds(1)).ok());
  EXPECT_FALSE(allowance.Take(kNever, kNow + absl::Milliseconds(1500)).ok());
  // The rest of the half second counts.
  EXPECT_TRUE(allowance.Take(kNever, kNow + absl::Seconds(2)).ok());
}

TEST(WakeAllowance, WhatWasRefusedUsesNothingUp) {
  WakeAllowance allowance;
  for (int i = 0; i < 100; ++i)
    allowance.Take(kNow, kNow).IgnoreError();
  for (int i = 0; i < static_cast<int>(limits::kWakeBurst); ++i)
    EXPECT_TRUE(allowance.Take(kNever, kNow).ok()) << i;
}

TEST(WakeAllowance, AClockThatIsSetBackLocksNobodyOut) {
  WakeAllowance allowance;
  EXPECT_TRUE(allowance.Take(kNever, kNow).ok());
  EXPECT_TRUE(allowance.Take(kNow, kNow - absl::Hours(1)).ok());
}

}  // namespace
}  // namespace tentacle::discovery
