#include <absl/time/time.h>
#include <gtest/gtest.h>

#include "libs/schedule/forecast.h"
#include "libs/schedule/weekly.h"

namespace tentacle::schedule {
namespace {

absl::TimeZone Berlin() {
  return *LoadZone("Europe/Berlin");
}

// Wall-clock time in Berlin; of a repeated hour the first.
absl::Time At(int year, int month, int day, int hour, int minute = 0) {
  return Berlin().At(absl::CivilSecond(year, month, day, hour, minute)).pre;
}

Window Parsed(std::string_view text) {
  const auto window = ParseWindow(text);
  EXPECT_TRUE(window.ok()) << window.status();
  return window.ok() ? *window : Window{};
}

BandwidthCalendar Calendar(const std::vector<std::string>& rules, double otherwise) {
  const auto calendar = BandwidthCalendar::Parse(rules, otherwise, Berlin());
  EXPECT_TRUE(calendar.ok()) << calendar.status();
  return calendar.ok() ? *calendar : BandwidthCalendar();
}

TEST(Windows, AreReadAsPeopleWriteThem) {
  EXPECT_EQ(Parsed("Mon-Fri 22:00-06:00"), (Window{0b0011111, 22 * 60, 6 * 60}));
  EXPECT_EQ(Parsed("sat,SUN 00:00-24:00"), (Window{0b1100000, 0, 24 * 60}));
  EXPECT_EQ(Parsed("daily 12:00-13:30"), (Window{0b1111111, 12 * 60, 13 * 60 + 30}));
  EXPECT_EQ(Parsed("Sat-Mon 7:05-08:00"), (Window{0b1100001, 7 * 60 + 5, 8 * 60}));
}

TEST(Windows, SayWhatIsWrongWithThem) {
  for (const char* text :
       {"", "Mon", "Mon 22:00", "Mon-Fri-Sat 1:00-2:00", "Mo 01:00-02:00", "Mon 1:0-2:00",
        "Mon 24:00-06:00", "Mon 25:00-26:00", "Mon 06:00-06:00", "Mon 06:60-07:00",
        "Mon 01:00-02:00 3", "-Fri 01:00-02:00", "Mon 01:00-02:00-03:00", "Mon -1:00-02:00"}) {
    const auto window = ParseWindow(text);
    EXPECT_EQ(window.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(window.status().message().find(text), std::string::npos);
  }
}

TEST(Windows, AcrossMidnightBelongToTheDayTheyBeginOn) {
  const Window window = Parsed("Fri 22:00-06:00");
  EXPECT_FALSE(Contains(window, At(2026, 11, 27, 21, 59), Berlin()));
  EXPECT_TRUE(Contains(window, At(2026, 11, 27, 22), Berlin()));
  EXPECT_TRUE(Contains(window, At(2026, 11, 28, 5, 59), Berlin()));  // Saturday
  EXPECT_FALSE(Contains(window, At(2026, 11, 28, 6), Berlin()));
  EXPECT_FALSE(Contains(window, At(2026, 11, 28, 22), Berlin()));
  EXPECT_FALSE(Contains(window, At(2026, 11, 27, 3), Berlin()));  // Thursday's night
}

// How long the window is open between two instants, minute by minute.
int OpenMinutes(const Window& window, absl::Time from, absl::Time to) {
  int open = 0;
  for (absl::Time at = from; at < to; at += absl::Minutes(1))
    open += Contains(window, at, Berlin()) ? 1 : 0;
  return open;
}

TEST(Windows, LastAsLongAsTheClockOnTheWallSays) {
  const Window night = Parsed("daily 22:00-06:00");
  EXPECT_EQ(OpenMinutes(night, At(2026, 3, 28, 12), At(2026, 3, 29, 12)), 7 * 60);    // 23 h
  EXPECT_EQ(OpenMinutes(night, At(2026, 10, 24, 12), At(2026, 10, 25, 12)), 9 * 60);  // 25 h
  EXPECT_EQ(OpenMinutes(night, At(2026, 6, 1, 12), At(2026, 6, 2, 12)), 8 * 60);
  // An hour that does not exist, and one that comes twice.
  const Window two = Parsed("daily 02:00-03:00");
  EXPECT_EQ(OpenMinutes(two, At(2026, 3, 29, 0), At(2026, 3, 29, 12)), 0);
  EXPECT_EQ(OpenMinutes(two, At(2026, 10, 25, 0), At(2026, 10, 25, 12)), 2 * 60);
}

// Between two edges nothing changes, in any week, also where the clock does: else a limit would
// come late.
// All edges of the test are whole multiples of it.
const absl::Duration kStep = absl::Minutes(5);

TEST(Windows, NoChangeIsMissedByTheirEdges) {
  const std::vector<Window> windows = {Parsed("Mon-Fri 07:00-19:00"), Parsed("daily 02:15-02:45"),
                                       Parsed("Sun 23:00-03:00")};
  for (const absl::Time start : {At(2026, 3, 26, 0), At(2026, 10, 22, 0), At(2026, 6, 1, 0)}) {
    absl::Time edge = NextEdge(windows, start, Berlin());
    for (absl::Time at = start; at < start + absl::Hours(24 * 8); at += kStep) {
      if (at + kStep > edge) {
        edge = NextEdge(windows, edge, Berlin());
        continue;
      }
      for (const Window& window : windows) {
        ASSERT_EQ(Contains(window, at, Berlin()),
                  Contains(window, at + kStep - absl::Seconds(1), Berlin()))
            << absl::FormatTime(at, Berlin());
        if (at + kStep < edge) {
          ASSERT_EQ(Contains(window, at, Berlin()), Contains(window, at + kStep, Berlin()))
              << absl::FormatTime(at, Berlin());
        }
      }
    }
  }
  EXPECT_EQ(NextEdge({}, At(2026, 6, 1, 0), Berlin()), absl::InfiniteFuture());
}

TEST(Deadlines, AreTheNextOfTheirKind) {
  const absl::Time monday = At(2026, 11, 23, 12);
  EXPECT_EQ(*NextWeekly("Tue 07:00", monday, Berlin()), At(2026, 11, 24, 7));
  EXPECT_EQ(*NextWeekly("mon 07:00", monday, Berlin()), At(2026, 11, 30, 7));
  EXPECT_EQ(*NextWeekly("Mon 12:01", monday, Berlin()), At(2026, 11, 23, 12, 1));
  EXPECT_FALSE(NextWeekly("Tue", monday, Berlin()).ok());
  EXPECT_FALSE(NextWeekly("someday 07:00", monday, Berlin()).ok());
}

TEST(Zones, ThatNobodyKnowsAreRefused) {
  EXPECT_TRUE(LoadZone("").ok());
  EXPECT_FALSE(LoadZone("Europe/Atlantis").ok());
}

TEST(Calendar, TheFirstRuleThatHoldsCounts) {
  const auto calendar =
      Calendar({"Wed 08:00-12:00 2.5", "Mon-Fri 07:00-19:00 10", "Sun 00:00-24:00 unlimited"}, 50);
  EXPECT_EQ(calendar.LimitMbit(At(2026, 11, 25, 9)), 2.5);  // Wednesday
  EXPECT_EQ(calendar.LimitMbit(At(2026, 11, 25, 13)), 10);
  EXPECT_EQ(calendar.LimitMbit(At(2026, 11, 25, 20)), 50);
  EXPECT_EQ(calendar.LimitMbit(At(2026, 11, 29, 20)), std::nullopt);
  EXPECT_EQ(calendar.NextEdge(At(2026, 11, 25, 9)), At(2026, 11, 25, 12));
  EXPECT_EQ(BandwidthCalendar().LimitMbit(At(2026, 11, 25, 9)), std::nullopt);
  EXPECT_EQ(BandwidthCalendar().NextEdge(At(2026, 11, 25, 9)), absl::InfiniteFuture());
}

TEST(Calendar, SaysWhichRuleIsWrong) {
  for (const char* rule :
       {"Mon-Fri 07:00-19:00", "Mon-Fri 07:00-19:00 0", "Mon-Fri 07:00-19:00 fast",
        "Mon-Fri 07:00-19:00 nan", "Mon-Fri 07:00-19:00 -3", "10", ""}) {
    EXPECT_FALSE(BandwidthCalendar::Parse({rule}, 0, Berlin()).ok()) << rule;
  }
  EXPECT_FALSE(BandwidthCalendar::Parse(
                   std::vector<std::string>(kMaxWindows + 1, "Mon 1:00-2:00 3"), 0, Berlin())
                   .ok());
}

Plan FourGigabytes() {
  Plan plan;
  plan.bytes = 4'500'000'000;  // At 10 Mbit/s exactly an hour.
  plan.throughput_mbit = 10;
  plan.zone = Berlin();
  return plan;
}

TEST(Forecast, OfALineWithoutLimits) {
  const absl::Time now = At(2026, 11, 23, 12);
  const Forecast forecast = MakeForecast(FourGigabytes(), now);
  EXPECT_EQ(forecast.feasibility, Feasibility::kInTime);
  EXPECT_EQ(forecast.done, now + absl::Hours(1));
  EXPECT_EQ(forecast.sentence, "4.5 GB at up to 10.0 Mbit/s: there by Mon 23 Nov 13:00");
}

TEST(Forecast, WaitsForItsWindowsAndKeepsToTheCalendar) {
  Plan plan = FourGigabytes();
  plan.throughput_mbit = 40;
  plan.windows = {Parsed("Mon-Fri 19:00-21:00")};
  plan.calendar = Calendar({"Mon-Fri 07:00-20:00 5"}, 0);
  plan.deadline = *NextWeekly("Tue 07:00", At(2026, 11, 23, 12), Berlin());
  // From 19 to 20 at 5: 2.25 GB; the rest at 40: 7.5 min.
  const Forecast forecast = MakeForecast(plan, At(2026, 11, 23, 12));
  EXPECT_EQ(forecast.feasibility, Feasibility::kInTime);
  EXPECT_EQ(forecast.done, At(2026, 11, 23, 20, 7) + absl::Seconds(30));
  EXPECT_EQ(forecast.sentence,
            "4.5 GB at up to 40.0 Mbit/s in its windows: there by Mon 23 Nov 20:07, 10 h 52 min "
            "before the deadline");
}

TEST(Forecast, SaysHowMuchWouldBeMissing) {
  Plan plan = FourGigabytes();
  plan.not_before = At(2026, 11, 23, 13);
  plan.deadline = At(2026, 11, 23, 13, 15);
  const Forecast forecast = MakeForecast(plan, At(2026, 11, 23, 12));
  EXPECT_EQ(forecast.feasibility, Feasibility::kLate);
  EXPECT_NEAR(forecast.percent_at_deadline, 25, 0.01);
  EXPECT_EQ(forecast.sentence,
            "4.5 GB at up to 10.0 Mbit/s: not feasible by Mon 23 Nov 13:15: 25 % would be there, "
            "it would be there by "
            "Mon 23 Nov 14:00, 45 min late");
}

TEST(Forecast, WhatComesFirstTakesItsTime) {
  Plan plan = FourGigabytes();
  plan.ahead_bytes = 4'500'000'000;
  plan.deadline = At(2026, 11, 23, 13, 30);
  const Forecast forecast = MakeForecast(plan, At(2026, 11, 23, 12));
  EXPECT_EQ(forecast.done, At(2026, 11, 23, 14));
  EXPECT_NEAR(forecast.percent_at_deadline, 50, 0.01);
}

TEST(Forecast, ANightWithoutAnHourIsShorter) {
  Plan plan = FourGigabytes();
  plan.bytes = 4'500'000'000ull * 8;  // Eight hours of the night.
  plan.windows = {Parsed("daily 22:00-06:00")};
  plan.deadline = At(2026, 3, 29, 6);
  EXPECT_EQ(MakeForecast(plan, At(2026, 3, 28, 12)).feasibility, Feasibility::kLate);
  plan.deadline = At(2026, 3, 30, 6);
  EXPECT_EQ(MakeForecast(plan, At(2026, 3, 28, 12)).done, At(2026, 3, 29, 23));
  plan.deadline = At(2026, 6, 2, 6);
  EXPECT_EQ(MakeForecast(plan, At(2026, 6, 1, 12)).feasibility, Feasibility::kInTime);
}

TEST(Forecast, OfTheImpossible) {
  Plan plan = FourGigabytes();
  plan.throughput_mbit = 0;
  EXPECT_EQ(MakeForecast(plan, At(2026, 11, 23, 12)).feasibility, Feasibility::kUnknown);
  plan.throughput_mbit = 0.001;
  const Forecast never = MakeForecast(plan, At(2026, 11, 23, 12));
  EXPECT_EQ(never.feasibility, Feasibility::kLate);
  EXPECT_EQ(never.done, absl::InfiniteFuture());
  plan.deadline = At(2026, 11, 23, 12) + kHorizon + absl::Hours(24 * 10);
  EXPECT_NEAR(MakeForecast(plan, At(2026, 11, 23, 12)).percent_at_deadline, 14.4, 0.1);
  plan.throughput_mbit = 10;
  plan.deadline = At(2026, 11, 23, 11);  // Over already.
  const Forecast over = MakeForecast(plan, At(2026, 11, 23, 12));
  EXPECT_EQ(over.feasibility, Feasibility::kLate);
  EXPECT_NEAR(over.percent_at_deadline, 0, 0.01);
  plan.bytes = 0;  // It is here.
  plan.throughput_mbit = 0;
  plan.deadline = absl::InfiniteFuture();
  EXPECT_EQ(MakeForecast(plan, At(2026, 11, 23, 12)).feasibility, Feasibility::kInTime);
}

}  // namespace
}  // namespace tentacle::schedule
