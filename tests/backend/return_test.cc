// How tentacles come back after an outage: when, and with how much at once.
#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "backend/core/arrival_pace.h"
#include "backend/core/event_window.h"
#include "backend/core/reconnect_slot.h"
#include "libs/retry/backoff.h"

namespace tentacle::backend {
namespace {

// How many come in the busiest second.
int Peak(const std::vector<absl::Duration>& times) {
  std::map<std::int64_t, int> per_second;
  int peak = 0;
  for (const absl::Duration time : times)
    peak = std::max(peak, ++per_second[absl::ToInt64Seconds(time)]);
  return peak;
}

std::vector<absl::Duration> Slots(std::size_t sessions) {
  std::vector<absl::Duration> slots;
  for (std::size_t i = 0; i < sessions; ++i)
    slots.push_back(ReconnectSlot(i, sessions, 0.5));
  return slots;
}

TEST(ReconnectSlot, FiveThousandComeBackAtAnEvenPaceWithinAMinute) {
  const auto slots = Slots(5000);
  EXPECT_LT(slots.back(), absl::Seconds(60));
  EXPECT_LE(Peak(slots), ArrivalsPerSecond(5000));
}

TEST(ReconnectSlot, FiveHundredComeBackAtNoMoreThanSixtyASecond) {
  const auto slots = Slots(500);
  EXPECT_LT(slots.back(), absl::Seconds(90));
  EXPECT_LE(Peak(slots), 60);
}

TEST(ReconnectSlot, FewComeBackSoonButNotAtOnce) {
  EXPECT_EQ(ReconnectSlot(0, 1, 0), kFirstReturn);
  EXPECT_LT(ReconnectSlot(0, 1, 0.999), kFirstReturn + kShortestSpread);
  EXPECT_EQ(ReconnectSlot(0, 0, 0), kFirstReturn);
}

// Each comes within the first second after the backend is back, and again when it is told to, with
// what its own back-off adds.
std::vector<absl::Duration> Storm(std::size_t fleet) {
  const absl::Time start = absl::FromUnixSeconds(1'800'000'000);
  ArrivalPace pace;
  std::mt19937 random(7);
  std::uniform_real_distribution<double> spread(0.0, 1.0);

  struct Comer {
    retry::Backoff backoff{{absl::Seconds(1), absl::Minutes(1)}};
  };

  std::vector<Comer> comers(fleet);
  std::multimap<absl::Time, Comer*> due;
  for (Comer& comer : comers)
    due.emplace(start + comer.backoff.Next(spread(random)), &comer);
  std::vector<absl::Duration> in;
  while (!due.empty()) {
    const auto first = due.extract(due.begin());
    const auto later = pace.Arrive(first.key(), fleet);
    if (!later) {
      in.push_back(first.key() - start);
      continue;
    }
    const absl::Duration told = absl::Ceil(*later, absl::Seconds(1));
    due.emplace(first.key() + told + first.mapped()->backoff.Next(spread(random)), first.mapped());
  }
  return in;
}

TEST(ArrivalPace, WhoComesAloneIsLetIn) {
  ArrivalPace pace;
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  EXPECT_EQ(pace.Arrive(now, 1), std::nullopt);
  EXPECT_EQ(pace.Arrive(now - absl::Hours(1), 1), std::nullopt) << "the clock was set back";
}

TEST(ArrivalPace, OfFiveHundredThatComeAtOnceNoMoreThanSixtyASecondAreLetIn) {
  const auto in = Storm(500);
  EXPECT_LE(Peak(in), 60);
  EXPECT_LT(in.back(), absl::Seconds(90));
}

TEST(ArrivalPace, OfFiveThousandNearlyAllAreInWithinAMinute) {
  const auto in = Storm(5000);
  EXPECT_LT(in[4750], absl::Seconds(60));
  EXPECT_LE(Peak(in), ArrivalsPerSecond(5000) * (1 + kArrivalBurstSeconds) + 1);
}

TEST(ArrivalPace, WhoIsToldToComeLaterIsToldNoLaterThanAMinute) {
  ArrivalPace pace;
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  for (int i = 0; i < 100'000; ++i) {
    const auto later = pace.Arrive(now, 1);
    if (later) {
      ASSERT_LE(*later, kLongestStay + absl::Seconds(1));
      ASSERT_GE(*later, absl::Seconds(1));
    }
  }
}

TEST(EventWindow, IsSharedAndNeverNothing) {
  EXPECT_EQ(EventWindow(0), kUngrantedWindow);
  EXPECT_EQ(EventWindow(64), kUngrantedWindow);
  EXPECT_EQ(EventWindow(128), 32U);
  EXPECT_EQ(EventWindow(5000), kSmallestWindow);
}

}  // namespace
}  // namespace tentacle::backend
