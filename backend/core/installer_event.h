// The installers' events (docs/protocol.md section 1) as a report about a task. Pure.
#pragma once

#include <string>

#include <absl/status/statusor.h>

#include "backend/store/task_store.h"

namespace tentacle::backend {

// `progress` below 0 means the event's own. InvalidArgument: no such event.
absl::StatusOr<TaskReport> ReadInstallerEvent(const std::string& event,
                                              const std::string& message,
                                              const std::string& error,
                                              int progress);

}  // namespace tentacle::backend
