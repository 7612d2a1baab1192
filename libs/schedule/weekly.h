// Windows of the week in the wall-clock time of a place, and the bandwidth calendar made of them.
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

namespace tentacle::schedule {

// A week has more changes than anybody can keep in mind long before this.
inline constexpr std::size_t kMaxWindows = 64;

struct Window {
  std::uint8_t days = 0;  // Bit 0 is Monday; the day on which it begins.
  int from_minute = 0;    // Of the day.
  int to_minute = 0;      // Not after from_minute: on the day after. 1440: midnight.

  bool operator==(const Window&) const = default;
};

// "Mon-Fri 22:00-06:00", "Sat,Sun 00:00-24:00", "daily 12:00-13:30". InvalidArgument with what is
// wrong.
absl::StatusOr<Window> ParseWindow(std::string_view text);

// Is `time` within it, by the clock on the wall in `zone`? An hour that a change of the clock skips
// is in no window, one that it repeats is in it twice.
bool Contains(const Window& window, absl::Time time, const absl::TimeZone& zone);

// No windows: always.
bool InAny(const std::vector<Window>& windows, absl::Time time, const absl::TimeZone& zone);

// The next instant after `time` at which a window of the list begins or ends, or the clock changes;
// infinite without windows. Nothing need change at it.
absl::Time NextEdge(const std::vector<Window>& windows,
                    absl::Time time,
                    const absl::TimeZone& zone);

// "Tue 07:00": the next such instant after `now`. InvalidArgument.
absl::StatusOr<absl::Time> NextWeekly(std::string_view text,
                                      absl::Time now,
                                      const absl::TimeZone& zone);

// Empty: the zone of this machine. InvalidArgument: the system does not know it.
absl::StatusOr<absl::TimeZone> LoadZone(const std::string& name);

// How fast the line may be used, hour by hour.
class BandwidthCalendar {
 public:
  // Unlimited.
  BandwidthCalendar() = default;

  // Rules such as "Mon-Fri 07:00-19:00 10" or "Sat,Sun 00:00-24:00 unlimited", in Mbit/s; the first
  // that holds counts, and `otherwise_mbit` (0: unlimited) where none does. InvalidArgument.
  static absl::StatusOr<BandwidthCalendar> Parse(const std::vector<std::string>& rules,
                                                 double otherwise_mbit,
                                                 absl::TimeZone zone);

  // Nothing: unlimited.
  std::optional<double> LimitMbit(absl::Time time) const;
  // The next instant at which the limit may be another; infinite when it never is.
  absl::Time NextEdge(absl::Time time) const;

 private:
  struct Rule {
    Window window;
    std::optional<double> mbit;
  };

  std::vector<Rule> rules_;
  std::optional<double> otherwise_;
  absl::TimeZone zone_ = absl::UTCTimeZone();
};

}  // namespace tentacle::schedule
