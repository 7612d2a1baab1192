// An image that is to be at some tentacles by some time: reading the order, and saying whether it
// can be. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/json/object.hpp>

#include "libs/schedule/forecast.h"

namespace tentacle::backend {

struct PrepullOrder {
  int image_id = 0;
  std::vector<int> node_ids;  // Empty: those of the site.
  std::string site;
  absl::Time not_before = absl::InfinitePast();
  absl::Time deadline = absl::InfiniteFuture();
  std::vector<std::string> windows;  // As ordered; they can be parsed.
  std::string time_zone;
  bool dry_run = false;  // Only say whether it can be.
};

// More tentacles than this are several orders.
inline constexpr std::size_t kMaxPrepullTargets = 1000;

// `deadline` and `notBefore` are RFC 3339, or "Tue 07:00" by the clock of timeZone. InvalidArgument
// with the field.
absl::StatusOr<PrepullOrder> ReadPrepullOrder(const boost::json::object& body, absl::Time now);

// What is known of one tentacle.
struct PrepullTarget {
  int node_id = 0;
  std::string name;
  std::string config_json;  // What the backend has set there: its bandwidth calendar is in it.
  std::uint64_t missing_bytes = 0;
  std::uint64_t ahead_bytes = 0;  // Of prepulls with an earlier deadline.
  double throughput_mbit = 0;     // As measured there; 0: never.
};

schedule::Forecast ForecastFor(const PrepullOrder& order,
                               const PrepullTarget& target,
                               absl::Time now);

// The body of `image.prepull` beside its commandId.
boost::json::object PrepullMessage(const PrepullOrder& order, int prepull_id);

}  // namespace tentacle::backend
