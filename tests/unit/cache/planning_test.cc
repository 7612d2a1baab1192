#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/cache/core/line_measure.h"
#include "services/cache/core/prepull_book.h"

namespace tentacle::cache {
namespace {

using ::testing::HasSubstr;

const absl::Time kMonday = absl::FromUnixSeconds(1'795'435'200);  // 2026-11-23T12:00:00Z

v1::PlannedPrepull Order(const std::string& id,
                         const std::string& image,
                         absl::Time deadline = absl::InfiniteFuture()) {
  v1::PlannedPrepull planned;
  planned.mutable_prepull()->set_id(id);
  planned.mutable_prepull()->set_image_id(image);
  planned.mutable_prepull()->set_time_zone("UTC");
  planned.set_state(v1::PREPULL_STATE_WAITING);
  if (deadline != absl::InfiniteFuture())
    planned.mutable_prepull()->mutable_deadline()->set_seconds(absl::ToUnixSeconds(deadline));
  return planned;
}

TEST(PrepullBook, TheEarliestDeadlineComesFirstThenTheOlderOrder) {
  PrepullBook book;
  ASSERT_TRUE(book.Put(Order("whenever", "a")).ok());
  ASSERT_TRUE(book.Put(Order("late", "b", kMonday + absl::Hours(9))).ok());
  ASSERT_TRUE(book.Put(Order("early", "c", kMonday + absl::Hours(3))).ok());
  ASSERT_TRUE(book.Put(Order("younger", "d", kMonday + absl::Hours(3))).ok());
  EXPECT_EQ(book.Next(kMonday), "early");
  book.Remove("early");
  EXPECT_EQ(book.Next(kMonday), "younger");
  book.Defer("younger", kMonday, false);
  EXPECT_EQ(book.Next(kMonday), "late");
  EXPECT_EQ(book.NextEdge(kMonday), kMonday + absl::Minutes(5));
  EXPECT_EQ(book.Next(kMonday + absl::Minutes(5)), "younger");
  // Changed, not made anew: it keeps its place.
  ASSERT_TRUE(book.Put(Order("whenever", "a", kMonday + absl::Hours(3))).ok());
  EXPECT_EQ(book.Next(kMonday + absl::Minutes(5)), "whenever");
}

TEST(PrepullBook, WhatComesToNothingWaitsLongerAndLonger) {
  PrepullBook book;
  ASSERT_TRUE(book.Put(Order("1", "a")).ok());
  absl::Time now = kMonday;
  const auto pause = [&](bool fruitful) {
    book.Defer("1", now, fruitful);
    EXPECT_EQ(book.Next(now), std::nullopt);
    const absl::Duration length = book.NextEdge(now) - now;
    now += length;
    EXPECT_EQ(book.Next(now), "1");
    return length;
  };
  EXPECT_EQ(pause(false), kPrepullRetry);
  EXPECT_EQ(pause(false), 2 * kPrepullRetry);
  for (int i = 0; i < 10; ++i)
    EXPECT_LE(pause(false), kPrepullRetryMost);
  EXPECT_EQ(pause(false), kPrepullRetryMost);
  EXPECT_EQ(pause(true), kPrepullRetry);
  EXPECT_EQ(pause(false), 2 * kPrepullRetry);
}

// In another night the line may be another.
TEST(PrepullBook, WithEachWindowThePausesBeginAnew) {
  PrepullBook book;
  auto order = Order("night", "a");
  order.mutable_prepull()->add_windows("daily 22:00-06:00");
  ASSERT_TRUE(book.Put(order).ok());
  const absl::Time night = kMonday + absl::Hours(10);
  book.Defer("night", night, false);
  book.Defer("night", night + absl::Hours(7), false);
  EXPECT_EQ(book.NextEdge(night + absl::Hours(7)), night + absl::Hours(7) + 2 * kPrepullRetry);
  book.Defer("night", night + absl::Hours(24), false);
  EXPECT_EQ(book.NextEdge(night + absl::Hours(24)), night + absl::Hours(24) + kPrepullRetry);
}

TEST(PrepullBook, WhenWhatHeldThemUpMayBeOverNoneWaitsAnyLonger) {
  PrepullBook book;
  ASSERT_TRUE(book.Put(Order("1", "a")).ok());
  book.Defer("1", kMonday, false);
  book.Defer("1", kMonday, false);
  ASSERT_EQ(book.Next(kMonday), std::nullopt);
  book.ForgetDeferrals();
  EXPECT_EQ(book.Next(kMonday), "1");
  book.Defer("1", kMonday, false);
  EXPECT_EQ(book.NextEdge(kMonday), kMonday + kPrepullRetry);
}

TEST(PrepullBook, WaitsForItsWindowAndItsTime) {
  PrepullBook book;
  auto order = Order("night", "a");
  order.mutable_prepull()->add_windows("daily 22:00-06:00");
  order.mutable_prepull()->mutable_not_before()->set_seconds(
      absl::ToUnixSeconds(kMonday + absl::Hours(11)));
  ASSERT_TRUE(book.Put(order).ok());
  EXPECT_EQ(book.Next(kMonday), std::nullopt);
  EXPECT_EQ(book.NextEdge(kMonday), kMonday + absl::Hours(10));
  EXPECT_EQ(book.Next(kMonday + absl::Hours(10)), std::nullopt);
  EXPECT_EQ(book.NextEdge(kMonday + absl::Hours(10)), kMonday + absl::Hours(11));
  EXPECT_EQ(book.Next(kMonday + absl::Hours(11)), "night");
  EXPECT_TRUE(book.IsOpen("night", kMonday + absl::Hours(17)));
  EXPECT_FALSE(book.IsOpen("night", kMonday + absl::Hours(18)));
  EXPECT_FALSE(book.IsOpen("another", kMonday + absl::Hours(11)));
}

TEST(PrepullBook, RefusesWhatItCannotRead) {
  PrepullBook book;
  EXPECT_FALSE(book.Put(Order("", "a")).ok());
  EXPECT_FALSE(book.Put(Order("x", "")).ok());
  auto order = Order("x", "a");
  order.mutable_prepull()->add_windows("always");
  EXPECT_FALSE(book.Put(order).ok());
  order = Order("x", "a");
  order.mutable_prepull()->set_time_zone("Mars/Base");
  EXPECT_FALSE(book.Put(order).ok());
  for (std::size_t i = 0; i < kMaxPrepulls; ++i)
    ASSERT_TRUE(book.Put(Order(std::to_string(i), "a")).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(book.Put(Order("one more", "a"))));
  EXPECT_TRUE(book.Put(Order("7", "b")).ok());
}

TEST(PrepullBook, AForecastCountsWhatComesBefore) {
  PrepullBook book;
  ASSERT_TRUE(book.Put(Order("first", "a", kMonday + absl::Hours(2))).ok());
  ASSERT_TRUE(book.Put(Order("second", "b", kMonday + absl::Hours(3))).ok());
  ASSERT_TRUE(book.Put(Order("same image", "a", kMonday + absl::Hours(4))).ok());
  LineFacts facts;
  facts.throughput_mbit = 10;  // 4.5 GB an hour.
  facts.missing_bytes = [](const std::string&) { return std::uint64_t{9'000'000'000}; };
  EXPECT_EQ(book.ForecastOf("first", facts, kMonday).done, kMonday + absl::Hours(2));
  const auto second = book.ForecastOf("second", facts, kMonday);
  EXPECT_EQ(second.done, kMonday + absl::Hours(4));
  EXPECT_EQ(second.feasibility, schedule::Feasibility::kLate);
  EXPECT_THAT(second.sentence, HasSubstr("after 9.0 GB of others"));
  // What the first one brings need not be brought again, the second one's does come before.
  EXPECT_EQ(book.ForecastOf("same image", facts, kMonday).done, kMonday + absl::Hours(4));
  ASSERT_TRUE(book.Put(Order("second again", "b", kMonday + absl::Hours(5))).ok());
  ASSERT_TRUE(book.Put(Order("third", "c", kMonday + absl::Hours(6))).ok());
  EXPECT_EQ(book.ForecastOf("third", facts, kMonday).done, kMonday + absl::Hours(6));
}

using Instant = LineMeasure::Instant;
constexpr Instant kStart = Instant() + std::chrono::hours(1);

// A line of so many Mbit/s for so many seconds, in pieces of 50 ms.
Instant Flow(
    LineMeasure& line, double mbit, int seconds, std::optional<double> limit, Instant from) {
  for (int i = 0; i < seconds * 20; ++i)
    line.Add(static_cast<std::uint64_t>(mbit * 1e6 / 8 / 20), limit,
             from += std::chrono::milliseconds(50));
  return from;
}

TEST(LineMeasure, FindsWhatTheLineGives) {
  LineMeasure line;
  EXPECT_EQ(line.mbit(), 0);
  const Instant then = Flow(line, 93, 4, std::nullopt, kStart);
  EXPECT_EQ(line.mbit(), 0);  // Too short to say.
  Flow(line, 93, 30, std::nullopt, then);
  EXPECT_NEAR(line.mbit(), 93, 1);
}

TEST(LineMeasure, ALimitSaysNothingOfTheLineUnlessItIsNotReached) {
  LineMeasure line(93);
  Instant then = Flow(line, 10, 60, 10.0, kStart);
  EXPECT_NEAR(line.mbit(), 93, 0.1);
  then = Flow(line, 4, 120, 10.0, then);  // The line has become slower than its limit.
  EXPECT_NEAR(line.mbit(), 4, 1);
  Flow(line, 10, 60, 10.0, then);
  EXPECT_NEAR(line.mbit(), 10, 0.1);
}

TEST(LineMeasure, APauseIsNotASlowLine) {
  LineMeasure line;
  Instant then = Flow(line, 50, 20, std::nullopt, kStart);
  for (int i = 0; i < 5; ++i)
    then = Flow(line, 50, 7, std::nullopt, then + std::chrono::minutes(10));
  EXPECT_NEAR(line.mbit(), 50, 1);
}

}  // namespace
}  // namespace tentacle::cache
