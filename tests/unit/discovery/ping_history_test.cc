#include "services/discovery/core/ping_history.h"

#include <gtest/gtest.h>

#include "libs/wire/icmp.h"

namespace tentacle::discovery {
namespace {

const absl::Time kNoon = absl::FromUnixSeconds(1'700'006'400);  // On the hour.

TEST(PingHistory, CountsByHourDayAndWeek) {
  PingHistory history;
  for (int minute = 0; minute < 60; ++minute)
    history.OnResult(false, {}, kNoon - absl::Hours(30) + absl::Minutes(minute));
  for (int minute = 0; minute < 60; ++minute)
    history.OnResult(minute % 2 == 0, absl::Milliseconds(3),
                     kNoon - absl::Hours(2) + absl::Minutes(minute));
  for (int minute = 0; minute < 30; ++minute)
    history.OnResult(true, absl::Milliseconds(2), kNoon + absl::Minutes(minute));
  const Availability now = history.At(kNoon + absl::Minutes(30));
  EXPECT_DOUBLE_EQ(*now.hour_percent, 100);
  EXPECT_DOUBLE_EQ(*now.day_percent, 100.0 * 60 / 90);
  EXPECT_DOUBLE_EQ(*now.week_percent, 100.0 * 60 / 150);
  EXPECT_EQ(now.round_trip, absl::Milliseconds(2));
  EXPECT_DOUBLE_EQ(now.loss_percent, 0);
}

TEST(PingHistory, LossIsOfTheLastTwenty) {
  PingHistory history;
  for (int i = 0; i < 100; ++i)
    history.OnResult(false, {}, kNoon);
  for (int i = 0; i < 15; ++i)
    history.OnResult(true, absl::Milliseconds(1), kNoon);
  EXPECT_DOUBLE_EQ(history.At(kNoon).loss_percent, 25);
}

TEST(PingHistory, WhatIsOlderThanAWeekIsForgotten) {
  PingHistory history;
  history.OnResult(false, {}, kNoon);
  EXPECT_FALSE(history.At(kNoon + absl::Hours(24 * 8)).week_percent.has_value());
}

PingHistory ABusyWeek() {
  PingHistory history;
  for (int hour = 0; hour < 24 * 9; ++hour)
    history.OnResult(hour % 3 != 0, absl::Microseconds(1234), kNoon + absl::Hours(hour));
  return history;
}

TEST(PingHistory, IsTheSameAfterBeingWrittenAndRead) {
  const PingHistory history = ABusyWeek();
  const auto read = PingHistory::Decode(history.Encode());
  ASSERT_TRUE(read.has_value());
  const absl::Time now = kNoon + absl::Hours(24 * 9 - 1);
  const Availability before = history.At(now);
  const Availability after = read->At(now);
  EXPECT_EQ(after.round_trip, absl::Microseconds(1234));
  EXPECT_DOUBLE_EQ(after.loss_percent, before.loss_percent);
  EXPECT_EQ(after.hour_percent, before.hour_percent);
  EXPECT_EQ(after.day_percent, before.day_percent);
  EXPECT_EQ(after.week_percent, before.week_percent);
  EXPECT_EQ(read->Encode(), history.Encode());
}

TEST(PingHistory, WhatIsCutWithinAnHourIsNotRead) {
  const wire::Buffer bytes = ABusyWeek().Encode();
  constexpr std::size_t kHead = 10;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const bool whole = size >= kHead && (size - kHead) % 8 == 0;
    EXPECT_EQ(PingHistory::Decode(wire::Bytes(bytes).first(size)).has_value(), whole) << size;
  }
}

TEST(PingHistory, WhatCannotBeIsNotRead) {
  wire::Buffer more_answers_than_questions = ABusyWeek().Encode();
  more_answers_than_questions[10 + 7] = 9;
  EXPECT_FALSE(PingHistory::Decode(more_answers_than_questions).has_value());
  wire::Buffer more_than_twenty = ABusyWeek().Encode();
  more_than_twenty[1] = 21;
  EXPECT_FALSE(PingHistory::Decode(more_than_twenty).has_value());
  wire::Buffer other_version = ABusyWeek().Encode();
  other_version[0] = 2;
  EXPECT_FALSE(PingHistory::Decode(other_version).has_value());
}

TEST(PingHistory, IsOverAWeekAfterTheLastQuestion) {
  PingHistory history;
  history.OnResult(true, absl::Milliseconds(1), kNoon);
  EXPECT_FALSE(history.IsOver(kNoon + absl::Hours(24 * 7 - 1)));
  EXPECT_TRUE(history.IsOver(kNoon + absl::Hours(24 * 7)));
}

TEST(IcmpEcho, GivesBackWhatWasSentAndRefusesADamagedOne) {
  wire::Buffer bytes = wire::EmitIcmpEcho({true, 7, 9});
  const auto echo = wire::ParseIcmpEcho(bytes);
  ASSERT_TRUE(echo.ok()) << echo.status();
  EXPECT_TRUE(echo->reply);
  EXPECT_EQ(echo->id, 7);
  EXPECT_EQ(echo->sequence, 9);
  bytes[7] ^= 1;
  EXPECT_FALSE(wire::ParseIcmpEcho(bytes).ok());
  EXPECT_FALSE(wire::ParseIcmpEcho(wire::Bytes(bytes).first(7)).ok());
}

}  // namespace
}  // namespace tentacle::discovery
