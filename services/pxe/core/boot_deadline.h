// How long a task may stay where it is. Pure.
#pragma once

#include <optional>
#include <string>

#include <absl/time/time.h>

#include "services/pxe/core/boot_table.h"

namespace tentacle::pxe {

struct DeadlineVerdict {
  BootStep step;
  std::string sentence;
};

// Nothing while the task has time. Each report of the installer gives it its time anew.
std::optional<DeadlineVerdict> DeadlineOf(const TrackedTask& task, absl::Time now);

}  // namespace tentacle::pxe
