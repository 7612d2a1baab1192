#include "libs/net/link_quality.h"

#include <gtest/gtest.h>

namespace tentacle::net {
namespace {

// One ping each second, answered after `round_trip`.
void Exchange(LinkQualityMeter& meter, int second, absl::Duration round_trip) {
  const std::uint64_t number = meter.Ping(absl::Seconds(second));
  EXPECT_TRUE(meter.Pong(number, absl::Seconds(second) + round_trip));
}

TEST(LinkQualityTest, NothingIsKnownBeforeTheFirstPong) {
  LinkQualityMeter meter;
  meter.Ping(absl::ZeroDuration());
  const LinkQuality quality = meter.Get();
  EXPECT_EQ(quality.round_trip, absl::ZeroDuration());
  EXPECT_EQ(quality.mean_round_trip, absl::ZeroDuration());
  EXPECT_EQ(quality.loss, 0.0);  // It may still be answered.
  EXPECT_EQ(quality.pings, 1u);
  EXPECT_EQ(quality.pongs, 0u);
}

TEST(LinkQualityTest, LastAndMeanRoundTrip) {
  LinkQualityMeter meter;
  Exchange(meter, 0, absl::Milliseconds(10));
  Exchange(meter, 1, absl::Milliseconds(30));
  EXPECT_EQ(meter.Get().round_trip, absl::Milliseconds(30));
  EXPECT_EQ(meter.Get().mean_round_trip, absl::Milliseconds(20));
}

TEST(LinkQualityTest, JitterGrowsByASixteenthOfTheDifference) {
  LinkQualityMeter meter;
  Exchange(meter, 0, absl::Milliseconds(10));
  EXPECT_EQ(meter.Get().jitter, absl::ZeroDuration());
  Exchange(meter, 1, absl::Milliseconds(26));
  EXPECT_EQ(meter.Get().jitter, absl::Milliseconds(1));
  // J = 1 + (16 - 1) / 16, whichever way the round trip went.
  Exchange(meter, 2, absl::Milliseconds(10));
  EXPECT_EQ(meter.Get().jitter, absl::Microseconds(1937.5));
}

TEST(LinkQualityTest, UnansweredPingsAreLossOnceTheNextIsSent) {
  LinkQualityMeter meter;
  Exchange(meter, 0, absl::Milliseconds(1));
  meter.Ping(absl::Seconds(1));
  EXPECT_EQ(meter.Get().loss, 0.0);
  Exchange(meter, 2, absl::Milliseconds(1));
  EXPECT_DOUBLE_EQ(meter.Get().loss, 1.0 / 3);
}

TEST(LinkQualityTest, ALatePongTakesTheLossBack) {
  LinkQualityMeter meter;
  const std::uint64_t late = meter.Ping(absl::ZeroDuration());
  meter.Ping(absl::Seconds(1));
  EXPECT_DOUBLE_EQ(meter.Get().loss, 1.0);
  EXPECT_TRUE(meter.Pong(late, absl::Seconds(3)));
  EXPECT_DOUBLE_EQ(meter.Get().loss, 0.0);
  EXPECT_EQ(meter.Get().round_trip, absl::Seconds(3));
}

TEST(LinkQualityTest, RepeatedAndInventedPongsCountNothing) {
  LinkQualityMeter meter;
  Exchange(meter, 0, absl::Milliseconds(5));
  EXPECT_FALSE(meter.Pong(1, absl::Seconds(9)));
  EXPECT_FALSE(meter.Pong(77, absl::Seconds(9)));
  EXPECT_EQ(meter.Get().round_trip, absl::Milliseconds(5));
  EXPECT_EQ(meter.Get().pongs, 1u);
}

TEST(LinkQualityTest, TheWindowForgetsOldLoss) {
  LinkQualityMeter meter;
  meter.Ping(absl::ZeroDuration());
  for (int second = 1; second < static_cast<int>(LinkQualityMeter::kWindow); ++second) {
    Exchange(meter, second, absl::Milliseconds(1));
  }
  EXPECT_DOUBLE_EQ(meter.Get().loss, 0.05);
  Exchange(meter, 20, absl::Milliseconds(1));
  EXPECT_DOUBLE_EQ(meter.Get().loss, 0.0);
  EXPECT_FALSE(meter.Pong(1, absl::Seconds(21)));
  EXPECT_EQ(meter.Get().pings, 21u);
  EXPECT_EQ(meter.Get().pongs, 20u);
}

TEST(LinkQualityTest, UnansweredInARowEndsWithAnySignOfThePeer) {
  LinkQualityMeter meter;
  meter.Ping(absl::Seconds(0));
  const std::uint64_t second = meter.Ping(absl::Seconds(1));
  EXPECT_EQ(meter.unanswered(), 2u);
  meter.Pong(second, absl::Seconds(2));
  EXPECT_EQ(meter.unanswered(), 0u);
  meter.Ping(absl::Seconds(3));
  meter.Heard();
  EXPECT_EQ(meter.unanswered(), 0u);
}

}  // namespace
}  // namespace tentacle::net
