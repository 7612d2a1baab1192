#include "services/discovery/core/ping_history.h"

#include <algorithm>
#include <bit>

#include "libs/wire/writer.h"

namespace tentacle::discovery {

namespace {

constexpr std::uint8_t kVersion = 1;

std::int64_t HourOf(absl::Time time) {
  return absl::ToUnixSeconds(time) / 3600;
}

}  // namespace

void PingHistory::OnResult(bool answered, absl::Duration round_trip, absl::Time now) {
  const std::int64_t hour = HourOf(now);
  Bucket& bucket = buckets_[static_cast<std::size_t>(hour % kHours)];
  if (bucket.hour != hour) bucket = {hour, 0, 0};
  ++bucket.sent;
  if (answered) ++bucket.answered;
  last_ = last_ << 1 | (answered ? 1u : 0u);
  count_ = std::min(count_ + 1, kLastPings);
  if (answered) round_trip_ = round_trip;
}

Availability PingHistory::At(absl::Time now) const {
  Availability availability;
  availability.round_trip = round_trip_;
  if (count_ > 0) {
    const auto answered = static_cast<double>(std::popcount(last_ & ((1u << count_) - 1)));
    availability.loss_percent = 100 * (1 - answered / count_);
  }
  const std::int64_t hour = HourOf(now);
  availability.hour_percent = Percent(hour, hour);
  availability.day_percent = Percent(hour - 23, hour);
  availability.week_percent = Percent(hour - kHours + 1, hour);
  return availability;
}

wire::Buffer PingHistory::Encode() const {
  wire::Writer out;
  out.U8(kVersion);
  out.U8(static_cast<std::uint8_t>(count_));
  out.U32(last_);
  const std::int64_t microseconds = absl::ToInt64Microseconds(round_trip_);
  out.U32(static_cast<std::uint32_t>(std::clamp<std::int64_t>(microseconds, 0, UINT32_MAX)));
  for (const Bucket& bucket : buckets_) {
    if (bucket.sent == 0) continue;
    out.U32(static_cast<std::uint32_t>(bucket.hour));
    out.U16(bucket.sent);
    out.U16(bucket.answered);
  }
  return out.Finish();
}

std::optional<PingHistory> PingHistory::Decode(wire::Bytes bytes) {
  wire::Reader in(bytes);
  PingHistory history;
  if (in.U8() != kVersion) return std::nullopt;
  history.count_ = in.U8();
  history.last_ = in.U32();
  history.round_trip_ = absl::Microseconds(in.U32());
  if (history.count_ > kLastPings) return std::nullopt;
  while (in.ok() && in.remaining() > 0) {
    Bucket bucket;
    bucket.hour = in.U32();
    bucket.sent = in.U16();
    bucket.answered = in.U16();
    if (bucket.answered > bucket.sent) return std::nullopt;
    history.buckets_[static_cast<std::size_t>(bucket.hour % kHours)] = bucket;
  }
  if (!in.ok()) return std::nullopt;
  return history;
}

std::optional<double> PingHistory::Percent(std::int64_t from_hour, std::int64_t to_hour) const {
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;
  for (const Bucket& bucket : buckets_) {
    if (bucket.hour < from_hour || bucket.hour > to_hour) continue;
    sent += bucket.sent;
    answered += bucket.answered;
  }
  if (sent == 0) return std::nullopt;
  return 100.0 * static_cast<double>(answered) / static_cast<double>(sent);
}

}  // namespace tentacle::discovery
