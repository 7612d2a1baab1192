#include "services/pxe/core/standby_watch.h"

#include "services/pxe/limits.h"

namespace tentacle::pxe {

bool StandbyWatch::Unanswered(const wire::MacAddress& mac,
                              std::uint32_t transaction,
                              absl::Time now) {
  Attempts& attempts = machines_[mac];
  const bool repeated =
      attempts.transaction == transaction && now - attempts.last <= limits::kSameBoot;
  attempts.seen = repeated ? attempts.seen + 1 : 1;
  attempts.transaction = transaction;
  attempts.last = now;
  attempts.ours = attempts.ours || attempts.seen > limits::kUnansweredRetries;
  return attempts.ours;
}

bool StandbyWatch::IsOurs(const wire::MacAddress& mac) const {
  const auto at = machines_.find(mac);
  return at != machines_.end() && at->second.ours;
}

}  // namespace tentacle::pxe
