#include "services/discovery/core/scan_schedule.h"

#include <gtest/gtest.h>

namespace tentacle::discovery {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);
constexpr absl::Duration kHour = absl::Hours(1);
constexpr absl::Duration kSoon = absl::Seconds(5);

TEST(ScanSchedule, WithoutAnIntervalThereIsNoNextScan) {
  EXPECT_EQ(UntilNextScan(absl::ZeroDuration(), kNow, kNow, kSoon), std::nullopt);
}

TEST(ScanSchedule, TheFirstScanEverIsSoon) {
  EXPECT_EQ(UntilNextScan(kHour, absl::InfinitePast(), kNow, kSoon), kSoon);
}

TEST(ScanSchedule, TheRestOfTheIntervalIsWaitedForAfterARestart) {
  EXPECT_EQ(UntilNextScan(kHour, kNow - absl::Minutes(40), kNow, kSoon), absl::Minutes(20));
}

TEST(ScanSchedule, AnOverdueScanIsSoonNotAtOnce) {
  EXPECT_EQ(UntilNextScan(kHour, kNow - absl::Hours(9), kNow, kSoon), kSoon);
}

TEST(ScanSchedule, AClockThatWasSetBackDelaysOneIntervalAtMost) {
  EXPECT_EQ(UntilNextScan(kHour, kNow + absl::Hours(900), kNow, kSoon), kHour);
}

}  // namespace
}  // namespace tentacle::discovery
