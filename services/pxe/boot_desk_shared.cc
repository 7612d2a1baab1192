// Of BootDesk: tasks that another tentacle of the segment has, too (docs/adr/0021).
#include "services/pxe/boot_desk.h"

namespace tentacle::pxe {

std::optional<DropReason> BootDesk::Admit(const BootRequest& boot, DhcpPort port) {
  const auto reason = Admit(boot.mac);
  if (reason != DropReason::kStandby || port != DhcpPort::kDhcp) return reason;
  if (!standby_.Unanswered(boot.mac, boot.transaction, Now())) return reason;
  const TrackedTask& task = *table_.Find(boot.mac);
  parts_.log.Warning("pxe.took_over", {{"task", task.task.id()}, {"mac", boot.mac.ToString()}});
  parts_.metrics.TookOver();
  Timeline(task, "takeover", "two attempts were left unanswered; the standby answers");
  return std::nullopt;
}

std::optional<Refusal> BootDesk::RefuseShared(const TrackedTask& task) {
  if (task.task.relay() == task::v1::RELAY_ROLE_UNSPECIFIED) return std::nullopt;
  return Refusal{503,
                 "another tentacle has this task, too; waiting for the backend to say whose it is"};
}

}  // namespace tentacle::pxe
