#include "services/pxe/boot_attempts.h"

#include "libs/backend_link/messages.h"
#include "services/pxe/limits.h"
#include "services/pxe/reports.h"

namespace tentacle::pxe {

bool BootAttempts::IsNews(const wire::MacAddress& mac, absl::Time now) {
  const auto at = told_.find(mac);
  if (at != told_.end() && now - at->second < limits::kSameAttempt) return false;
  if (told_.size() >= limits::kAttemptsKept) {
    std::erase_if(told_,
                  [now](const auto& one) { return now - one.second >= limits::kSameAttempt; });
  }
  return true;
}

void BootAttempts::Unanswered(const BootRequest& boot, DropReason reason) {
  const absl::Time now = clock_.Now();
  if (!IsNews(boot.mac, now)) return metrics_.BootAttempt("repeated");
  if (now - minute_ >= absl::Minutes(1)) {
    minute_ = now;
    in_minute_ = 0;
  }
  if (in_minute_ >= limits::kAttemptsPerMinute) return metrics_.BootAttempt("too_many");
  ++in_minute_;
  told_[boot.mac] = now;
  metrics_.BootAttempt("told");
  log_.Info("pxe.boot_unanswered", {{"mac", boot.mac.ToString()},
                                    {"reason", DropName(reason)},
                                    {"arch", boot.arch.name},
                                    {"vendor_class", boot.says.vendor_class}});
  // A lane of its own in this service: strangers never take room from what happened to our tasks.
  events_.Publish(events::MakeEvent("boot.detected", boot.mac.ToString(),
                                    event::v1::PRIORITY_INVENTORY,
                                    BootBody(boot, "", DropName(reason), now), now));
}

}  // namespace tentacle::pxe
