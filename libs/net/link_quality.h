// How good a link is, out of pings and their pongs. Pure: time is an argument, counted from any
// fixed moment by a clock that never jumps. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include <absl/time/time.h>

namespace tentacle::net {

struct LinkQuality {
  absl::Duration round_trip;       // Of the pong that came last; zero before the first.
  absl::Duration mean_round_trip;  // Of the pongs in the window; zero without any.
  absl::Duration jitter;  // RFC 3550 section 6.4.1, over round trips instead of transit times.
  double loss = 0.0;  // Pings without a pong among those in the window that had their time, 0 to 1.
  std::uint64_t pings = 0;  // Since the connection began.
  std::uint64_t pongs = 0;
};

class LinkQualityMeter {
 public:
  // At one ping each 15 s this is the last five minutes; the least loss that shows is 5 %.
  static constexpr std::size_t kWindow = 20;

  // A ping goes out; the one before it has had its time. Returns its number, from 1.
  std::uint64_t Ping(absl::Duration now);
  // Its pong. False: nobody asked, or it was counted before, or it left the window.
  bool Pong(std::uint64_t number, absl::Duration now);

  // The peer lives in another way: a message of it came.
  void Heard() { unanswered_ = 0; }

  // Pings since the peer was heard of last, the one under way included.
  std::size_t unanswered() const { return unanswered_; }

  LinkQuality Get() const;

 private:
  struct Sent {
    std::uint64_t number;
    absl::Duration at;
    std::optional<absl::Duration> round_trip;
  };

  std::deque<Sent> window_;
  std::optional<absl::Duration> last_;
  absl::Duration jitter_;
  std::uint64_t pings_ = 0;
  std::uint64_t pongs_ = 0;
  std::size_t unanswered_ = 0;
};

}  // namespace tentacle::net
