// A message of the backend -> what is to be done about it, as values. Pure: every decision about a
// message is made here, the shell only acts.
#pragma once

#include <tentacle/task/v1/task.pb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "libs/backend_link/messages.h"
#include "services/uplink/core/desired_state.h"
#include "services/uplink/core/service.h"

namespace tentacle::uplink {

struct AddTaskAction {
  task::v1::BootTask task;
};

struct CancelTaskAction {
  std::string task_id;
};

struct SyncTasksAction {
  std::vector<task::v1::BootTask> tasks;
};

struct UpdateConfigAction {
  std::optional<std::uint64_t> revision;
  std::string config_json;
};

enum class CommandKind { kScan, kWake, kJob, kPrepull };

// An order for one service that is carried out once.
struct Command {
  CommandKind kind = CommandKind::kScan;
  std::string reference;            // Command id, job id or image id: what the backend knows it by.
  std::string mac;                  // kWake.
  std::string interpreter, script;  // kJob.
  std::uint32_t timeout_seconds = 0;  // kJob.

  Service service() const;
  std::string_view type() const;  // "scan.start", ...
};

struct CommandAction {
  Command command;
};

// A task that is wrong; it goes up as a failed task.status.
struct RefuseTaskAction {
  RefusedTask refused;
};

// The backend has stored the message of that id.
struct AckedAction {
  std::string id;
};

struct UnknownTypeAction {
  std::string type;
};

// A known type with a field that is missing or wrong.
struct BadFieldAction {
  std::string reason;
};

using Action = std::variant<AddTaskAction,
                            CancelTaskAction,
                            SyncTasksAction,
                            UpdateConfigAction,
                            CommandAction,
                            RefuseTaskAction,
                            AckedAction,
                            UnknownTypeAction,
                            BadFieldAction>;

// In the order in which they are to be done. Whatever they are, a message with an id is
// acknowledged afterwards: what is unknown or wrong would not become better by being repeated.
std::vector<Action> Route(const backend_link::Message& message);

// A job of the backend may not run longer, and 0 means the default.
constexpr std::uint32_t kDefaultJobTimeoutSeconds = 300;
constexpr std::uint32_t kMaxJobTimeoutSeconds = 24 * 3600;

}  // namespace tentacle::uplink
