// The lanes of an event log: one per priority. Pure.
#pragma once

#include <tentacle/event/v1/event.pb.h>

#include <array>
#include <cstddef>
#include <string_view>

namespace tentacle::events {

using event::v1::Priority;

// In the order in which they go up.
constexpr std::array<Priority, 3> kLanes = {
    event::v1::PRIORITY_RESULT, event::v1::PRIORITY_INVENTORY, event::v1::PRIORITY_METRIC};

// Place in kLanes: 0 goes first. What has no priority is a result.
constexpr std::size_t LaneIndex(Priority lane) {
  for (std::size_t i = 0; i < kLanes.size(); ++i) {
    if (kLanes[i] == lane) return i;
  }
  return 0;
}

// "result", "inventory", "metric": the name in keys and metrics.
constexpr std::string_view LaneName(Priority lane) {
  constexpr std::array<std::string_view, kLanes.size()> kNames = {"result", "inventory", "metric"};
  return kNames[LaneIndex(lane)];
}

}  // namespace tentacle::events
