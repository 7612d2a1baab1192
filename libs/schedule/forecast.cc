#include "libs/schedule/forecast.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace tentacle::schedule {

namespace {

constexpr double kBytesPerMbit = 1e6 / 8;

double MbitAt(const Plan& plan, absl::Time time) {
  if (time < plan.not_before || !InAny(plan.windows, time, plan.zone)) return 0;
  const auto limit = plan.calendar.LimitMbit(time);
  return limit ? std::min(*limit, plan.throughput_mbit) : plan.throughput_mbit;
}

// Nothing changes between `time` and this.
absl::Time SteadyUntil(const Plan& plan, absl::Time time) {
  absl::Time end = std::min(NextEdge(plan.windows, time, plan.zone), plan.calendar.NextEdge(time));
  if (plan.not_before > time) end = std::min(end, plan.not_before);
  if (plan.deadline > time) end = std::min(end, plan.deadline);
  return end;
}

std::string Size(double bytes) {
  return bytes >= 1e9 ? fmt::format("{:.1f} GB", bytes / 1e9)
                      : fmt::format("{:.0f} MB", std::ceil(bytes / 1e6));
}

// "3 h 20 min"
std::string Span(absl::Duration span) {
  const std::int64_t minutes = absl::ToInt64Minutes(absl::AbsDuration(span));
  if (minutes >= 48 * 60) return fmt::format("{} days", minutes / (24 * 60));
  if (minutes >= 60) return fmt::format("{} h {} min", minutes / 60, minutes % 60);
  return fmt::format("{} min", minutes);
}

std::string Sentence(const Plan& plan, const Forecast& forecast) {
  const std::string what = fmt::format(
      "{}{} at up to {:.1f} Mbit/s{}", Size(static_cast<double>(plan.bytes)),
      plan.ahead_bytes > 0
          ? fmt::format(" after {} of others", Size(static_cast<double>(plan.ahead_bytes)))
          : "",
      plan.throughput_mbit, plan.windows.empty() ? "" : " in its windows");
  const bool has_deadline = plan.deadline != absl::InfiniteFuture();
  if (forecast.feasibility == Feasibility::kInTime) {
    const std::string spare =
        has_deadline ? fmt::format(", {} before the deadline", Span(plan.deadline - forecast.done))
                     : "";
    return fmt::format("{}: there by {}{}", what, ForPeople(forecast.done, plan.zone), spare);
  }
  const std::string then =
      forecast.done == absl::InfiniteFuture()
          ? fmt::format("and not within {} days", absl::ToInt64Hours(kHorizon) / 24)
          : fmt::format("it would be there by {}, {} late", ForPeople(forecast.done, plan.zone),
                        Span(forecast.done - plan.deadline));
  if (!has_deadline)
    return fmt::format("{}: not there within {} days", what, absl::ToInt64Hours(kHorizon) / 24);
  return fmt::format("{}: not feasible by {}: {:.0f} % would be there, {}", what,
                     ForPeople(plan.deadline, plan.zone), std::floor(forecast.percent_at_deadline),
                     then);
}

}  // namespace

std::string ForPeople(absl::Time time, const absl::TimeZone& zone) {
  return absl::FormatTime("%a %-d %b %H:%M", time, zone);
}

Forecast MakeForecast(const Plan& plan, absl::Time now) {
  Forecast forecast;
  if (plan.bytes > 0 && plan.throughput_mbit <= 0) {
    forecast.sentence = "nothing can be said yet: the line of this tentacle has not been measured";
    return forecast;
  }
  const double all = static_cast<double>(plan.bytes) + static_cast<double>(plan.ahead_bytes);
  double left = all;
  std::optional<double> left_at_deadline;
  if (plan.deadline <= now) left_at_deadline = all;
  absl::Time time = now;
  while (left > 0 && time < now + kHorizon) {
    const double rate = MbitAt(plan, time) * kBytesPerMbit;
    const absl::Time end = std::min(SteadyUntil(plan, time), now + kHorizon);
    const absl::Duration need = rate > 0 ? absl::Seconds(left / rate) : absl::InfiniteDuration();
    if (need <= end - time) {
      time += need;
      left = 0;
      break;
    }
    left -= rate * absl::ToDoubleSeconds(end - time);
    time = end;
    if (time == plan.deadline) left_at_deadline = left;
  }
  if (left <= 0) forecast.done = time;
  const bool in_time = forecast.done <= plan.deadline && left <= 0;
  forecast.feasibility = in_time ? Feasibility::kInTime : Feasibility::kLate;
  if (!in_time && plan.bytes > 0) {
    // At a deadline beyond the horizon there is as much at least as at the horizon.
    const double mine = std::min(left_at_deadline.value_or(left), static_cast<double>(plan.bytes));
    forecast.percent_at_deadline = 100 * (1 - mine / static_cast<double>(plan.bytes));
  }
  forecast.sentence = Sentence(plan, forecast);
  return forecast;
}

}  // namespace tentacle::schedule
