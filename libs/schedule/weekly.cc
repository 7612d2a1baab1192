#include "libs/schedule/weekly.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>

namespace tentacle::schedule {

namespace {

constexpr int kDays = 7;
constexpr int kMinutesPerDay = 24 * 60;
constexpr std::array<std::string_view, kDays> kDayNames = {"Mon", "Tue", "Wed", "Thu",
                                                           "Fri", "Sat", "Sun"};
constexpr double kMinMbit = 0.1;
constexpr double kMaxMbit = 1'000'000;

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

std::optional<int> DayOf(std::string_view name) {
  for (int day = 0; day < kDays; ++day) {
    if (absl::EqualsIgnoreCase(View(name), View(kDayNames[static_cast<std::size_t>(day)])))
      return day;
  }
  return std::nullopt;
}

absl::Status Wrong(std::string_view text, std::string_view want) {
  return absl::InvalidArgumentError(fmt::format("\"{}\": {}", text, want));
}

// "07:30" -> 450; up to 24:00.
std::optional<int> MinuteOf(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ':');
  int hour = 0;
  int minute = 0;
  if (parts.size() != 2 || parts[0].size() > 2 || parts[1].size() != 2) return std::nullopt;
  if (!absl::SimpleAtoi(parts[0], &hour) || !absl::SimpleAtoi(parts[1], &minute))
    return std::nullopt;
  if (hour < 0 || minute < 0 || minute > 59) return std::nullopt;
  const int all = hour * 60 + minute;
  return all > kMinutesPerDay ? std::nullopt : std::optional<int>(all);
}

// "Mon-Fri", "Sat,Sun", "daily".
std::optional<std::uint8_t> DaysOf(absl::string_view text) {
  if (absl::EqualsIgnoreCase(text, "daily")) return (1 << kDays) - 1;
  unsigned days = 0;
  for (absl::string_view part : absl::StrSplit(text, ',')) {
    const std::vector<absl::string_view> ends = absl::StrSplit(part, '-');
    const auto first = DayOf({ends.front().data(), ends.front().size()});
    const auto last = DayOf({ends.back().data(), ends.back().size()});
    if (!first || !last || ends.size() > 2) return std::nullopt;
    for (int day = *first;; day = (day + 1) % kDays) {
      days |= 1u << day;
      if (day == *last) break;
    }
  }
  return static_cast<std::uint8_t>(days);
}

int WeekdayOf(const absl::CivilDay& day) {
  return static_cast<int>(absl::GetWeekday(day));  // Monday is 0 in Abseil, too.
}

bool BeginsOn(const Window& window, const absl::CivilDay& day) {
  return (window.days >> WeekdayOf(day) & 1) != 0;
}

void AddEdges(const absl::CivilMinute& wall,
              absl::Time after,
              const absl::TimeZone& zone,
              absl::Time* nearest) {
  const auto when = zone.At(absl::CivilSecond(wall));
  for (const absl::Time at : {when.pre, when.trans, when.post}) {
    if (at > after && at < *nearest) *nearest = at;
  }
}

}  // namespace

absl::StatusOr<Window> ParseWindow(std::string_view text) {
  constexpr std::string_view kForm =
      "want days and times such as \"Mon-Fri 22:00-06:00\", \"Sat,Sun 00:00-24:00\" or \"daily "
      "12:00-13:00\"";
  const std::vector<absl::string_view> words =
      absl::StrSplit(View(text), absl::ByAnyChar(" \t"), absl::SkipEmpty());
  if (words.size() != 2) return Wrong(text, kForm);
  const auto days = DaysOf(words[0]);
  const std::vector<absl::string_view> times = absl::StrSplit(words[1], '-');
  if (!days || times.size() != 2) return Wrong(text, kForm);
  const auto from = MinuteOf(times[0]);
  const auto to = MinuteOf(times[1]);
  if (!from || !to || *from == kMinutesPerDay) return Wrong(text, kForm);
  if (*from == *to) return Wrong(text, "begins when it ends");
  return Window{*days, *from, *to};
}

bool Contains(const Window& window, absl::Time time, const absl::TimeZone& zone) {
  const absl::CivilSecond wall = zone.At(time).cs;
  const absl::CivilDay today(wall);
  const int minute = wall.hour() * 60 + wall.minute();
  if (window.from_minute < window.to_minute) {
    return BeginsOn(window, today) && minute >= window.from_minute && minute < window.to_minute;
  }
  if (minute >= window.from_minute) return BeginsOn(window, today);
  return minute < window.to_minute && BeginsOn(window, today - 1);
}

bool InAny(const std::vector<Window>& windows, absl::Time time, const absl::TimeZone& zone) {
  return windows.empty() || std::any_of(windows.begin(), windows.end(), [&](const Window& window) {
           return Contains(window, time, zone);
         });
}

absl::Time NextEdge(const std::vector<Window>& windows,
                    absl::Time time,
                    const absl::TimeZone& zone) {
  absl::Time nearest = absl::InfiniteFuture();
  if (windows.empty()) return nearest;
  const absl::CivilDay today(zone.At(time).cs);
  // One day back for a window that began yesterday, eight forth for one that comes once a week.
  for (int ahead = -1; ahead <= kDays + 1; ++ahead) {
    const absl::CivilDay day = today + ahead;
    for (const Window& window : windows) {
      if (!BeginsOn(window, day)) continue;
      const bool next_day = window.to_minute <= window.from_minute;
      AddEdges(absl::CivilMinute(day) + window.from_minute, time, zone, &nearest);
      AddEdges(absl::CivilMinute(next_day ? day + 1 : day) + window.to_minute, time, zone,
               &nearest);
    }
  }
  absl::TimeZone::CivilTransition change;
  if (zone.NextTransition(time, &change)) {
    const absl::Time at = zone.At(change.to).trans;
    if (at > time && at < nearest) nearest = at;
  }
  return nearest;
}

absl::StatusOr<absl::Time> NextWeekly(std::string_view text,
                                      absl::Time now,
                                      const absl::TimeZone& zone) {
  const std::vector<absl::string_view> words =
      absl::StrSplit(View(text), absl::ByAnyChar(" \t"), absl::SkipEmpty());
  if (words.size() == 2) {
    const auto day = DayOf({words[0].data(), words[0].size()});
    const auto minute = MinuteOf(words[1]);
    if (day && minute) {
      const absl::CivilDay today(zone.At(now).cs);
      for (int ahead = 0; ahead <= kDays; ++ahead) {
        if (WeekdayOf(today + ahead) != *day) continue;
        const absl::Time at = absl::FromCivil(absl::CivilMinute(today + ahead) + *minute, zone);
        if (at > now) return at;
      }
    }
  }
  return Wrong(text, "want a day and a time such as \"Tue 07:00\"");
}

absl::StatusOr<absl::TimeZone> LoadZone(const std::string& name) {
  if (name.empty()) return absl::LocalTimeZone();
  absl::TimeZone zone;
  if (!absl::LoadTimeZone(name, &zone))
    return Wrong(name, "the system knows no time zone of that name");
  return zone;
}

absl::StatusOr<BandwidthCalendar> BandwidthCalendar::Parse(const std::vector<std::string>& rules,
                                                           double otherwise_mbit,
                                                           absl::TimeZone zone) {
  BandwidthCalendar calendar;
  calendar.zone_ = zone;
  if (otherwise_mbit > 0) calendar.otherwise_ = otherwise_mbit;
  if (rules.size() > kMaxWindows) {
    return absl::InvalidArgumentError(
        fmt::format("{} rules: want {} at most", rules.size(), kMaxWindows));
  }
  for (const std::string& text : rules) {
    const std::size_t cut = text.find_last_of(' ');
    if (cut == std::string::npos) {
      return Wrong(text, "want a window and Mbit/s, such as \"Mon-Fri 07:00-19:00 10\"");
    }
    const auto window = ParseWindow(std::string_view(text).substr(0, cut));
    if (!window.ok()) return window.status();
    Rule rule{*window, std::nullopt};
    const absl::string_view rate = absl::string_view(text).substr(cut + 1);
    double mbit = 0;
    if (absl::SimpleAtod(rate, &mbit) && mbit >= kMinMbit && mbit <= kMaxMbit) {
      rule.mbit = mbit;
    } else if (!absl::EqualsIgnoreCase(rate, "unlimited")) {
      return Wrong(text, fmt::format("want {} to {:.0f} Mbit/s or \"unlimited\" at the end",
                                     kMinMbit, kMaxMbit));
    }
    calendar.rules_.push_back(rule);
  }
  return calendar;
}

std::optional<double> BandwidthCalendar::LimitMbit(absl::Time time) const {
  for (const Rule& rule : rules_) {
    if (Contains(rule.window, time, zone_)) return rule.mbit;
  }
  return otherwise_;
}

absl::Time BandwidthCalendar::NextEdge(absl::Time time) const {
  std::vector<Window> windows;
  for (const Rule& rule : rules_)
    windows.push_back(rule.window);
  return schedule::NextEdge(windows, time, zone_);
}

}  // namespace tentacle::schedule
