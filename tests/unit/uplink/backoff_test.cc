#include "libs/retry/backoff.h"

#include <gtest/gtest.h>

namespace tentacle::retry {
namespace {

constexpr BackoffPolicy kPolicy{absl::Milliseconds(500), absl::Seconds(30)};

TEST(Backoff, CeilingDoublesUntilTheCap) {
  Backoff backoff(kPolicy);
  const absl::Duration expected[] = {absl::Milliseconds(500), absl::Seconds(1), absl::Seconds(2),
                                     absl::Seconds(4),        absl::Seconds(8), absl::Seconds(16),
                                     absl::Seconds(30),       absl::Seconds(30)};
  for (const absl::Duration ceiling : expected)
    EXPECT_EQ(backoff.Next(1.0), ceiling);
}

TEST(Backoff, JitterIsFullFromZeroToTheCeiling) {
  Backoff backoff(kPolicy);
  EXPECT_EQ(backoff.Next(0.0), absl::ZeroDuration());
  EXPECT_EQ(backoff.Next(0.5), absl::Milliseconds(500));
}

TEST(Backoff, StaysWithinTheCapAfterAWeekOfFailures) {
  Backoff backoff(kPolicy);
  for (int i = 0; i < 100'000; ++i)
    ASSERT_LE(backoff.Next(1.0), kPolicy.cap);
}

TEST(Backoff, BeginsAnewAfterASuccess) {
  Backoff backoff(kPolicy);
  backoff.Next(1.0);
  backoff.Next(1.0);
  EXPECT_EQ(backoff.failures(), 2);
  backoff.Reset();
  EXPECT_EQ(backoff.Next(1.0), kPolicy.base);
}

TEST(Backoff, RandomnessOutsideItsRangeIsClamped) {
  Backoff backoff(kPolicy);
  EXPECT_EQ(backoff.Next(-1.0), absl::ZeroDuration());
  EXPECT_EQ(backoff.Next(7.0), absl::Seconds(1));
}

TEST(Backoff, NonsenseInThePolicyIsMended) {
  Backoff backoff({absl::ZeroDuration(), absl::Seconds(-1)});
  EXPECT_EQ(backoff.Next(1.0), absl::Milliseconds(1));
  EXPECT_EQ(backoff.Next(1.0), absl::Milliseconds(1));
}

}  // namespace
}  // namespace tentacle::retry
