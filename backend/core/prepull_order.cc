#include "backend/core/prepull_order.h"

#include <fmt/format.h>

#include <cstdlib>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "libs/config/config.h"

namespace tentacle::backend {

namespace {

namespace json = boost::json;

absl::Status Wrong(std::string_view field, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", field, what));
}

std::string TextOf(const json::object& body, std::string_view name) {
  const auto* value = body.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

int IdOf(const json::value& value) {
  if (value.is_int64() && value.as_int64() > 0 && value.as_int64() < (1 << 30))
    return static_cast<int>(value.as_int64());
  if (!value.is_string()) return 0;
  const std::string text(value.as_string());
  if (text.empty() || text.size() > 9 || text.find_first_not_of("0123456789") != std::string::npos)
    return 0;
  return std::atoi(text.c_str());
}

absl::StatusOr<absl::Time> ReadTime(const json::object& body,
                                    std::string_view field,
                                    absl::Time otherwise,
                                    absl::Time now,
                                    const absl::TimeZone& zone) {
  const auto* value = body.if_contains(field);
  if (value == nullptr || value->is_null()) return otherwise;
  const std::string text = TextOf(body, field);
  absl::Time time;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &error)) return time;
  const auto weekly = schedule::NextWeekly(text, now, zone);
  if (weekly.ok()) return *weekly;
  return Wrong(
      field,
      fmt::format("want a time such as 2026-12-01T07:00:00Z or \"Tue 07:00\", got \"{}\"", text));
}

absl::Status ReadTargets(const json::object& body, PrepullOrder* order) {
  order->site = TextOf(body, "site");
  const auto* ids = body.if_contains("tentacleIds");
  if (ids != nullptr && !ids->is_array()) return Wrong("tentacleIds", "want a list");
  if (ids != nullptr) {
    if (ids->as_array().size() > kMaxPrepullTargets) {
      return Wrong("tentacleIds", fmt::format("want {} at most", kMaxPrepullTargets));
    }
    for (const auto& one : ids->as_array()) {
      const int id = IdOf(one);
      if (id == 0) return Wrong("tentacleIds", "want ids of tentacles");
      order->node_ids.push_back(id);
    }
  }
  if (order->node_ids.empty() == order->site.empty())
    return Wrong("tentacleIds", "want either tentacleIds or site");
  return absl::OkStatus();
}

absl::Status ReadWindows(const json::object& body, PrepullOrder* order) {
  const auto* windows = body.if_contains("windows");
  if (windows == nullptr) return absl::OkStatus();
  if (!windows->is_array() || windows->as_array().size() > schedule::kMaxWindows) {
    return Wrong("windows", fmt::format("want a list of {} at most", schedule::kMaxWindows));
  }
  for (const auto& one : windows->as_array()) {
    const std::string text = one.is_string() ? std::string(one.as_string()) : "";
    const auto window = schedule::ParseWindow(text);
    if (!window.ok()) return Wrong("windows", std::string(window.status().message()));
    order->windows.push_back(text);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PrepullOrder> ReadPrepullOrder(const json::object& body, absl::Time now) {
  PrepullOrder order;
  const auto* image = body.if_contains("imageId");
  order.image_id = image == nullptr ? 0 : IdOf(*image);
  if (order.image_id == 0) return Wrong("imageId", "want the id of an image");
  const auto* dry = body.if_contains("dryRun");
  order.dry_run = dry != nullptr && dry->is_bool() && dry->as_bool();
  order.time_zone = TextOf(body, "timeZone");
  if (order.time_zone.empty()) order.time_zone = "UTC";
  const auto zone = schedule::LoadZone(order.time_zone);
  if (!zone.ok()) return Wrong("timeZone", std::string(zone.status().message()));
  if (absl::Status status = ReadTargets(body, &order); !status.ok()) return status;
  if (absl::Status status = ReadWindows(body, &order); !status.ok()) return status;
  const auto not_before = ReadTime(body, "notBefore", absl::InfinitePast(), now, *zone);
  if (!not_before.ok()) return not_before.status();
  const auto deadline = ReadTime(body, "deadline", absl::InfiniteFuture(), now, *zone);
  if (!deadline.ok()) return deadline.status();
  order.not_before = *not_before;
  order.deadline = *deadline;
  if (order.deadline <= now) return Wrong("deadline", "is over already");
  if (order.not_before >= order.deadline) return Wrong("notBefore", "is not before the deadline");
  return order;
}

schedule::Forecast ForecastFor(const PrepullOrder& order,
                               const PrepullTarget& target,
                               absl::Time now) {
  schedule::Plan plan;
  plan.bytes = target.missing_bytes;
  plan.ahead_bytes = target.ahead_bytes;
  plan.throughput_mbit = target.throughput_mbit;
  plan.not_before = order.not_before;
  plan.deadline = order.deadline;
  for (const std::string& text : order.windows) {
    if (const auto window = schedule::ParseWindow(text); window.ok())
      plan.windows.push_back(*window);
  }
  if (const auto zone = schedule::LoadZone(order.time_zone); zone.ok()) plan.zone = *zone;
  config::TentacleConfig config = config::Defaults();
  // What cannot be read was refused when it was set; the defaults have no limit.
  config::MergeRemote(target.config_json, &config).IgnoreError();
  const auto& cache = config.cache();
  const auto zone =
      schedule::LoadZone(cache.time_zone().empty() ? order.time_zone : cache.time_zone());
  if (zone.ok()) {
    auto calendar = schedule::BandwidthCalendar::Parse(
        {cache.wan_calendar().begin(), cache.wan_calendar().end()}, cache.wan_limit_mbit(), *zone);
    if (calendar.ok()) plan.calendar = *std::move(calendar);
  }
  return schedule::MakeForecast(plan, now);
}

json::object PrepullMessage(const PrepullOrder& order, int prepull_id) {
  json::object body{{"imageId", std::to_string(order.image_id)},
                    {"scheduleId", std::to_string(prepull_id)},
                    {"timeZone", order.time_zone},
                    {"windows", json::array(order.windows.begin(), order.windows.end())}};
  const auto utc = absl::UTCTimeZone();
  if (order.not_before != absl::InfinitePast())
    body["notBefore"] = absl::FormatTime(absl::RFC3339_sec, order.not_before, utc);
  if (order.deadline != absl::InfiniteFuture())
    body["deadline"] = absl::FormatTime(absl::RFC3339_sec, order.deadline, utc);
  return body;
}

}  // namespace tentacle::backend
