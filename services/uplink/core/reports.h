// The events that uplink itself sends up, and the message that an event becomes. Pure.
#pragma once

#include <tentacle/event/v1/event.pb.h>

#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "libs/backend_link/messages.h"
#include "services/uplink/core/delivery.h"
#include "services/uplink/core/routing.h"

namespace tentacle::uplink {

// task.status "failed": the task is not in force, and why.
event::v1::Event TaskFailed(const RefusedTask& refused, absl::Time now);
// config.result: what became of a configuration. `status`: applied, on-trial, refused, reverted.
event::v1::Event ConfigResult(std::uint64_t revision,
                              std::string_view status,
                              const std::string& reason,
                              absl::Time now);
// A command that will not be carried out: job.result for a job, image.progress for a prepull,
// command.failed for the others.
event::v1::Event CommandFailed(const Command& command, const std::string& reason, absl::Time now);

// InvalidArgument when the event's body is no JSON object or the message exceeds a frame.
absl::StatusOr<backend_link::Message> EventMessage(const EventId& id,
                                                   const event::v1::Event& event);

}  // namespace tentacle::uplink
