// A message of the backend -> what is to be done about it, as values. Pure: every decision about a
// message is made here, the shell only acts.
#pragma once

#include <tentacle/cache/v1/planning.pb.h>
#include <tentacle/task/v1/task.pb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <absl/time/time.h>

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

enum class CommandKind {
  kScan,
  kWake,
  kJob,
  kPrepull,
  kJobCancel,
  kInventory,
  kUpdate,
  kReportDevices,
  kCancelPrepull,
  kPeers
};

// A scan or a job that was ordered an hour ago would surprise whoever ordered it.
constexpr absl::Duration kDefaultTimeToLive = absl::Hours(1);
// The backend may ask for more patience, for a job that is to run whenever the host is back.
constexpr absl::Duration kMaxTimeToLive = absl::Hours(24 * 30);

// A schedule holds for days; that the cache is away for an evening is no reason to forget it.
constexpr absl::Duration kScheduleTimeToLive = absl::Hours(24 * 7);

// An order for one service that is carried out once.
struct Command {
  CommandKind kind = CommandKind::kScan;
  std::string reference;            // Command id, job id or image id: what the backend knows it by.
  std::string mac;                  // kWake.
  std::string order, signature;     // Of the agent's kinds: passed on as they came.
  cache::v1::Prepull prepull = {};  // kPrepull.
  cache::v1::ReplacePeersRequest peers = {};  // kPeers.
  // How long it may wait here for its service; after that it fails, saying so.
  absl::Duration time_to_live = kDefaultTimeToLive;
  std::string password = {};     // kWake: SecureOn's, or none.
  std::string credentials = {};  // kJob: what lies beside the order.

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

// So many events may be under way at once from now on.
struct CreditAction {
  std::uint64_t events;
};

// The backend is about to go; `reconnect_after` spreads its tentacles over time.
struct GoodbyeAction {
  absl::Duration reconnect_after;
};

// Another machine is connected with our key; nothing of ours counts for now.
struct QuarantineAction {
  std::string reason;
};

// This tentacle was removed from the backend.
struct RemovedAction {};

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
                            CreditAction,
                            GoodbyeAction,
                            QuarantineAction,
                            RemovedAction,
                            UnknownTypeAction,
                            BadFieldAction>;

// In the order in which they are to be done. Whatever they are, a message with an id is
// acknowledged afterwards: what is unknown or wrong would not become better by being repeated.
std::vector<Action> Route(const backend_link::Message& message);

// A backend that is gone for longer is better looked for again.
constexpr absl::Duration kMaxReconnectAfter = absl::Minutes(10);

}  // namespace tentacle::uplink
