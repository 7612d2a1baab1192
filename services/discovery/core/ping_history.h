// How one host answered pings: loss and round trip of the last ones, availability over hour, day
// and week.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include <absl/time/time.h>

#include "libs/wire/reader.h"

namespace tentacle::discovery {

struct Availability {
  absl::Duration round_trip;  // Of the last one that came back.
  double loss_percent = 0;    // Of the last 20.
  // Answered of those sent; nothing when none was sent in that time.
  std::optional<double> hour_percent;
  std::optional<double> day_percent;
  std::optional<double> week_percent;
};

struct PingReport {
  std::uint32_t address = 0;
  Availability availability;
};

// A counter an hour for a week: 1.3 KiB. Not thread safe.
class PingHistory {
 public:
  void OnResult(bool answered, absl::Duration round_trip, absl::Time now);
  Availability At(absl::Time now) const;

  // True when nothing was sent for a week: there is nothing left to tell.
  bool IsOver(absl::Time now) const { return !At(now).week_percent.has_value(); }

  // For the disk: the hours in which something was sent, eight octets each. Nothing for what Encode
  // has not made.
  wire::Buffer Encode() const;
  static std::optional<PingHistory> Decode(wire::Bytes bytes);

 private:
  static constexpr int kHours = 24 * 7;
  static constexpr std::uint32_t kLastPings = 20;

  struct Bucket {
    std::int64_t hour = -1;  // Since 1970; what is older than a week is another week's.
    std::uint16_t sent = 0;
    std::uint16_t answered = 0;
  };

  std::optional<double> Percent(std::int64_t from_hour, std::int64_t to_hour) const;

  std::array<Bucket, kHours> buckets_{};
  std::uint32_t last_ = 0;  // A bit each, 1: answered; the lowest is the latest.
  std::uint32_t count_ = 0;
  absl::Duration round_trip_;
};

}  // namespace tentacle::discovery
