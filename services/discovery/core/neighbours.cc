#include "services/discovery/core/neighbours.h"

#include <algorithm>
#include <utility>

#include "services/discovery/limits.h"

namespace tentacle::discovery {

namespace {

bool SamePort(const Neighbour& a, const Neighbour& b) {
  return a.protocol == b.protocol && a.interface == b.interface && a.chassis == b.chassis &&
         a.port == b.port;
}

}  // namespace

bool Neighbours::Observe(Neighbour neighbour, absl::Time now) {
  neighbour.first_seen = neighbour.last_seen = now;
  const auto same = [&neighbour](const Neighbour& n) { return SamePort(n, neighbour); };
  const auto found = std::find_if(all_.begin(), all_.end(), same);
  if (neighbour.valid_for == absl::ZeroDuration()) {
    if (found == all_.end()) return false;
    all_.erase(found);
    return true;
  }
  if (found != all_.end()) {
    neighbour.first_seen = found->first_seen;
    Neighbour before = std::exchange(*found, neighbour);
    before.last_seen = neighbour.last_seen;
    return before != neighbour;
  }
  if (all_.size() == limits::kMaxNeighbours) {
    const auto older = [](const Neighbour& a, const Neighbour& b) {
      return a.last_seen < b.last_seen;
    };
    all_.erase(std::min_element(all_.begin(), all_.end(), older));
  }
  all_.push_back(std::move(neighbour));
  return true;
}

bool Neighbours::Expire(absl::Time now) {
  return std::erase_if(all_,
                       [now](const Neighbour& n) { return now - n.last_seen > n.valid_for; }) > 0;
}

}  // namespace tentacle::discovery
