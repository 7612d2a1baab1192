// How a task moves: a transition table.
#pragma once

#include <tentacle/task/v1/task.pb.h>

#include <optional>
#include <string_view>

namespace tentacle::pxe {

using task::v1::TaskStatus;

enum class BootStep {
  kLoaderFetched,   // TFTP has sent the loader whole.
  kScriptFetched,   // iPXE asked for its script.
  kOrdersRedeemed,  // The installer runs and has its orders.
  kReported,        // The installer reported a stage.
  kDone,
  kFailed,
  kCancelled,
  // Nothing has been heard for long, and nothing was written: the machine may begin anew.
  kStalled,
  kExpired,     // Its time is over.
  kLooped,      // The machine starts over again and again.
  kHandedOver,  // What has no installer runs: the task has done its work.
};
inline constexpr int kBootSteps = 11;
std::string_view BootStepName(BootStep step);

// The status after `step`, or nothing where the step changes nothing and is to be refused or
// ignored.
std::optional<TaskStatus> After(TaskStatus status, BootStep step);

bool IsOpen(TaskStatus status);  // waiting, booting or installing

// The installer's events of docs/protocol.md and the percentage that each stands for unless it says
// better.
struct InstallerStage {
  std::string_view event;
  unsigned percent;
  // From here on the disk holds the system: the network boot has done its work.
  bool disk_written;
  // Place in the order of an installation.
  int rank;
};

// Nothing for an event that is none.
std::optional<InstallerStage> FindStage(std::string_view event);

// An open task whose machine still needs the network boot.
bool NeedsNetworkBoot(const task::v1::BootProgress& progress);

}  // namespace tentacle::pxe
