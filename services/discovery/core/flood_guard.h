// Tells new cards from made-up ones: more of them in a minute than a segment gets in a morning.
#pragma once

#include <cstddef>
#include <optional>

#include <absl/time/time.h>

#include "services/discovery/limits.h"

namespace tentacle::discovery {

class FloodGuard {
 public:
  // One more card that nobody asked for. True when it comes in a flood and is to be suspected.
  bool OnNewCard(absl::Time now) {
    Turn(now);
    ++in_window_;
    if (in_window_ > limits::kMaxNewCardsPerMinute) {
      if (!flooding_) started_ = now;
      flooding_ = true;
      ++suspects_;
    }
    return flooding_;
  }

  struct Flood {
    absl::Time started;
    std::size_t cards = 0;
    bool over = false;
  };

  // A flood that began or ended since the last call.
  std::optional<Flood> TakeNews(absl::Time now) {
    Turn(now);
    if (flooding_ == told_) return std::nullopt;
    told_ = flooding_;
    const Flood flood{started_, suspects_, !flooding_};
    if (!flooding_) suspects_ = 0;
    return flood;
  }

 private:
  // A window that stayed below the limit ends the flood.
  void Turn(absl::Time now) {
    if (now - window_ < absl::Minutes(1)) return;
    const bool calm =
        in_window_ <= limits::kMaxNewCardsPerMinute || now - window_ >= absl::Minutes(2);
    if (calm) flooding_ = false;
    window_ = now;
    in_window_ = 0;
  }

  absl::Time window_ = absl::InfinitePast();
  absl::Time started_;
  std::size_t in_window_ = 0;
  std::size_t suspects_ = 0;
  bool flooding_ = false;
  bool told_ = false;
};

}  // namespace tentacle::discovery
