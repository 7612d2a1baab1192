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
// `backend_now`: by which the task's own deadline is judged; while it is not known that one is not.
std::optional<DeadlineVerdict> DeadlineOf(const TrackedTask& task,
                                          absl::Time now,
                                          std::optional<absl::Time> backend_now);

}  // namespace tentacle::pxe
