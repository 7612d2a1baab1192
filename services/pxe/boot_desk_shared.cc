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

std::optional<BootDesk::Plan> BootDesk::PlanShared(const TrackedTask& task, bool boots) {
  const auto refusal = RefuseShared(task);
  if (!refusal) return std::nullopt;
  const wire::MacAddress mac = task.mac;
  const bool others = Admit(mac) == DropReason::kStandby;
  Plan plan;
  plan.what = Plan::Do::kWait;
  plan.reason = others ? "another tentacle of this network answers this machine" : refusal->detail;
  if (!boots) return plan;
  switch (shared_waits_.Ask(mac, Now())) {
    case SharedWaits::Step::kGiveUp:
      parts_.log.Warning("pxe.shared_task_not_given",
                         {{"task", task.task.id()}, {"mac", mac.ToString()}});
      standby_.Forget(mac);
      plan.what = Plan::Do::kLocalBoot;
      break;
    case SharedWaits::Step::kTell:
      if (others) break;
      // By its report the backend learns who is to have it; an earlier one may have been lost.
      table_.Step(mac, BootStep::kLoaderFetched, Now());
      SettleLater(*table_.Find(mac));
      break;
    case SharedWaits::Step::kWait:
      break;
  }
  return plan;
}

void BootDesk::ForgetShared(const wire::MacAddress& mac) {
  standby_.Forget(mac);
  shared_waits_.Forget(mac);
}

std::optional<Refusal> BootDesk::RefuseShared(const TrackedTask& task) {
  if (task.task.relay() == task::v1::RELAY_ROLE_UNSPECIFIED) return std::nullopt;
  return Refusal{503,
                 "another tentacle has this task, too; waiting for the backend to say whose it is"};
}

}  // namespace tentacle::pxe
