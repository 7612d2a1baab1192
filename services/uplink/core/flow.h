// How many events may be under way to the backend at once, and whose turn is next. Pure.
//
// The backend grants the window ("credit"): after an outage a thousand tentacles come back with
// full logs, and it decides how fast each of them empties. Within the window results go before
// inventories and inventories before metrics, whichever service they come from.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "libs/events/lanes.h"

namespace tentacle::uplink {

class Flow {
 public:
  // `window` holds until the backend grants another.
  Flow(std::size_t window, std::size_t max_window) : window_(window), max_window_(max_window) {}

  // Zero is a pause until the next grant. More than the maximum is cut to it.
  void Grant(std::uint64_t events) {
    window_ = static_cast<std::size_t>(std::min<std::uint64_t>(events, max_window_));
  }

  // An event of the lane is there and may not go yet; it is counted until it has gone.
  void BeginWaiting(events::Priority lane) { ++waiting_[events::LaneIndex(lane)]; }

  void EndWaiting(events::Priority lane) { --waiting_[events::LaneIndex(lane)]; }

  // There is room and nobody more urgent waits for it.
  bool MayGo(events::Priority lane) const {
    if (under_way_ >= window_) return false;
    const std::size_t own = events::LaneIndex(lane);
    return std::all_of(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(own),
                       [](std::size_t count) { return count == 0; });
  }

  void OnGone() { ++under_way_; }

  // `count` of them are acknowledged.
  void OnArrived(std::size_t count) { under_way_ -= std::min(count, under_way_); }

  std::size_t window() const { return window_; }

  std::size_t under_way() const { return under_way_; }

 private:
  std::size_t window_;
  std::size_t max_window_;
  std::size_t under_way_ = 0;
  std::array<std::size_t, events::kLanes.size()> waiting_{};
};

}  // namespace tentacle::uplink
