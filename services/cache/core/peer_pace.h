// Whether a peer that sends gives too little to be worth it. Pure.
#pragma once

#include <chrono>
#include <cstdint>

namespace tentacle::cache {

class PeerPace {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  explicit PeerPace(Instant began) : began_(began) {}

  // `bytes` more have come. `had_them`: the peer had them when it was asked, so that only it and
  // the network between us are in the way; else it waits for the WAN itself. `line_mbit`: what the
  // WAN would give. Judged over a few seconds at a time, and over longer while it waits.
  bool IsSlow(std::uint64_t bytes, bool had_them, double line_mbit, Instant now);

 private:
  Instant began_;
  std::uint64_t bytes_ = 0;
  bool waits_ = false;
};

}  // namespace tentacle::cache
