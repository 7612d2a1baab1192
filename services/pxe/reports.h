// What the backend is told: the bodies of docs/protocol.md section 3. Pure.
#pragma once

#include <string>
#include <string_view>

#include <absl/time/time.h>

#include "libs/wire/mac_address.h"
#include "services/pxe/core/boot_record.h"
#include "services/pxe/core/boot_request.h"
#include "services/pxe/core/boot_table.h"

namespace tentacle::pxe {

std::string Rfc3339(absl::Time time);

// task.status
std::string StatusBody(const TrackedTask& task, absl::Time now);
// task.timeline
std::string TimelineBody(std::string_view task_id,
                         std::string_view step,
                         std::string_view detail,
                         absl::Time now);
// boot.detected; `unanswered` says why nothing was offered, and is empty when something was.
std::string BootBody(const BootRequest& boot,
                     std::string_view task_id,
                     std::string_view unanswered,
                     absl::Time now);

// boot.record
std::string BootRecordBody(const BootRecord& boot);

}  // namespace tentacle::pxe
