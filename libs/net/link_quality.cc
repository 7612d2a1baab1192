#include "libs/net/link_quality.h"

#include <algorithm>

namespace tentacle::net {

std::uint64_t LinkQualityMeter::Ping(absl::Duration now) {
  if (window_.size() == kWindow) window_.pop_front();
  window_.push_back({++pings_, now, std::nullopt});
  ++unanswered_;
  return pings_;
}

bool LinkQualityMeter::Pong(std::uint64_t number, absl::Duration now) {
  const auto is_it = [number](const Sent& sent) { return sent.number == number; };
  const auto sent = std::find_if(window_.begin(), window_.end(), is_it);
  if (sent == window_.end() || sent->round_trip) return false;
  const absl::Duration round_trip = now - sent->at;
  sent->round_trip = round_trip;
  ++pongs_;
  unanswered_ = 0;
  // RFC 3550 section 6.4.1: J(i) = J(i-1) + (|D(i-1,i)| - J(i-1)) / 16.
  if (last_) jitter_ += (absl::AbsDuration(round_trip - *last_) - jitter_) / 16;
  last_ = round_trip;
  return true;
}

LinkQuality LinkQualityMeter::Get() const {
  LinkQuality quality;
  quality.round_trip = last_.value_or(absl::ZeroDuration());
  quality.jitter = jitter_;
  quality.pings = pings_;
  quality.pongs = pongs_;
  std::int64_t answered = 0;
  std::int64_t lost = 0;
  absl::Duration sum;
  for (const Sent& sent : window_) {
    if (sent.round_trip) {
      ++answered;
      sum += *sent.round_trip;
    } else if (sent.number != pings_) {  // The last one may still be answered.
      ++lost;
    }
  }
  if (answered > 0) quality.mean_round_trip = sum / answered;
  if (answered + lost > 0)
    quality.loss = static_cast<double>(lost) / static_cast<double>(answered + lost);
  return quality;
}

}  // namespace tentacle::net
