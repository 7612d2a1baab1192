#include "services/pxe/core/standby_watch.h"

#include "services/pxe/limits.h"

namespace tentacle::pxe {

bool StandbyWatch::Unanswered(const wire::MacAddress& mac,
                              std::uint32_t transaction,
                              absl::Time now) {
  const bool ours = IsOurs(mac, now);
  Attempts& attempts = machines_[mac];
  const bool repeated =
      attempts.transaction == transaction && now - attempts.last <= limits::kSameBoot;
  if (!repeated) attempts.seen = 0;
  // Two relays, or two interfaces of ours, bring one packet twice.
  const bool copy = repeated && now - attempts.counted < limits::kRepetitionApart;
  if (!copy) {
    ++attempts.seen;
    attempts.counted = now;
  }
  attempts.transaction = transaction;
  attempts.last = now;
  attempts.ours = ours || attempts.seen > limits::kUnansweredRetries;
  return attempts.ours;
}

bool StandbyWatch::IsOurs(const wire::MacAddress& mac, absl::Time now) const {
  const auto at = machines_.find(mac);
  if (at == machines_.end() || !at->second.ours) return false;
  return now - at->second.last <= limits::kTakeoverLasts;
}

SharedWaits::Step SharedWaits::Ask(const wire::MacAddress& mac, absl::Time now) {
  const auto [at, is_new] = machines_.try_emplace(mac, Wait{now, now, now});
  Wait& wait = at->second;
  if (is_new || now - wait.last > limits::kSameBoot) {
    wait = {now, now, now};
    return Step::kTell;
  }
  wait.last = now;
  if (now - wait.began > limits::kSharedPatience) {
    machines_.erase(at);
    return Step::kGiveUp;
  }
  if (now - wait.told <= limits::kSharedRetell) return Step::kWait;
  wait.told = now;
  return Step::kTell;
}

}  // namespace tentacle::pxe
