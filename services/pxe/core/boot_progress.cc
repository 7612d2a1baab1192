#include "services/pxe/core/boot_progress.h"

#include <array>

namespace tentacle::pxe {

namespace {

using task::v1::TASK_STATUS_BOOTING;
using task::v1::TASK_STATUS_CANCELLED;
using task::v1::TASK_STATUS_COMPLETE;
using task::v1::TASK_STATUS_FAILED;
using task::v1::TASK_STATUS_INSTALLING;
using task::v1::TASK_STATUS_WAITING;

struct Transition {
  TaskStatus from;
  BootStep on;
  TaskStatus to;
};

// clang-format off
constexpr Transition kTransitions[] = {
    // from                  on                          to
    {TASK_STATUS_WAITING,    BootStep::kLoaderFetched,   TASK_STATUS_BOOTING},
    {TASK_STATUS_WAITING,    BootStep::kScriptFetched,   TASK_STATUS_BOOTING},
    {TASK_STATUS_WAITING,    BootStep::kOrdersRedeemed,  TASK_STATUS_INSTALLING},
    {TASK_STATUS_WAITING,    BootStep::kCancelled,       TASK_STATUS_CANCELLED},
    {TASK_STATUS_WAITING,    BootStep::kExpired,         TASK_STATUS_FAILED},
    {TASK_STATUS_BOOTING,    BootStep::kLoaderFetched,   TASK_STATUS_BOOTING},
    {TASK_STATUS_BOOTING,    BootStep::kScriptFetched,   TASK_STATUS_BOOTING},
    {TASK_STATUS_BOOTING,    BootStep::kOrdersRedeemed,  TASK_STATUS_INSTALLING},
    {TASK_STATUS_BOOTING,    BootStep::kFailed,          TASK_STATUS_FAILED},
    {TASK_STATUS_BOOTING,    BootStep::kCancelled,       TASK_STATUS_CANCELLED},
    {TASK_STATUS_BOOTING,    BootStep::kStalled,         TASK_STATUS_WAITING},
    {TASK_STATUS_BOOTING,    BootStep::kExpired,         TASK_STATUS_FAILED},
    {TASK_STATUS_BOOTING,    BootStep::kLooped,          TASK_STATUS_FAILED},
    {TASK_STATUS_BOOTING,    BootStep::kHandedOver,      TASK_STATUS_COMPLETE},
    // The machine was reset before its disk was written: it starts over.
    {TASK_STATUS_INSTALLING, BootStep::kScriptFetched,   TASK_STATUS_BOOTING},
    {TASK_STATUS_INSTALLING, BootStep::kLoaderFetched,   TASK_STATUS_INSTALLING},
    {TASK_STATUS_INSTALLING, BootStep::kOrdersRedeemed,  TASK_STATUS_INSTALLING},
    {TASK_STATUS_INSTALLING, BootStep::kReported,        TASK_STATUS_INSTALLING},
    {TASK_STATUS_INSTALLING, BootStep::kDone,            TASK_STATUS_COMPLETE},
    {TASK_STATUS_INSTALLING, BootStep::kFailed,          TASK_STATUS_FAILED},
    {TASK_STATUS_INSTALLING, BootStep::kCancelled,       TASK_STATUS_CANCELLED},
    {TASK_STATUS_INSTALLING, BootStep::kExpired,         TASK_STATUS_FAILED},
    {TASK_STATUS_INSTALLING, BootStep::kLooped,          TASK_STATUS_FAILED},
};

constexpr std::array<InstallerStage, 8> kStages = {{
    {"booted",       5,   false, 0},
    {"downloading",  15,  false, 1},
    {"partitioning", 25,  false, 2},
    {"applying",     50,  false, 3},
    {"configuring",  85,  true,  4},
    {"firstboot",    95,  true,  5},
    {"done",         100, true,  6},
    {"failed",       0,   false, 7},
}};
// clang-format on

}  // namespace

std::string_view BootStepName(BootStep step) {
  switch (step) {
    case BootStep::kLoaderFetched:
      return "loader-fetched";
    case BootStep::kScriptFetched:
      return "script-fetched";
    case BootStep::kOrdersRedeemed:
      return "orders-redeemed";
    case BootStep::kReported:
      return "reported";
    case BootStep::kDone:
      return "done";
    case BootStep::kFailed:
      return "failed";
    case BootStep::kCancelled:
      return "cancelled";
    case BootStep::kStalled:
      return "stalled";
    case BootStep::kExpired:
      return "expired";
    case BootStep::kLooped:
      return "looped";
    case BootStep::kHandedOver:
      return "handed-over";
  }
  return "unknown";
}

std::optional<TaskStatus> After(TaskStatus status, BootStep step) {
  for (const Transition& transition : kTransitions) {
    if (transition.from == status && transition.on == step) return transition.to;
  }
  return std::nullopt;
}

bool IsOpen(TaskStatus status) {
  return status == TASK_STATUS_WAITING || status == TASK_STATUS_BOOTING ||
         status == TASK_STATUS_INSTALLING;
}

std::optional<InstallerStage> FindStage(std::string_view event) {
  for (const InstallerStage& stage : kStages) {
    if (stage.event == event) return stage;
  }
  return std::nullopt;
}

bool NeedsNetworkBoot(const task::v1::BootProgress& progress) {
  if (!IsOpen(progress.status())) return false;
  const auto stage = FindStage(progress.stage());
  return !stage || !stage->disk_written;
}

}  // namespace tentacle::pxe
