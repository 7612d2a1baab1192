// What the backend wants: the table of boot tasks and the configuration, each with a revision. The
// functions compute a change from what was said; the shell makes the change durable and then
// applies it. Pure.
#pragma once

#include <tentacle/task/v1/task.pb.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <absl/time/time.h>

#include "services/uplink/core/config_versions.h"

namespace tentacle::uplink {

// Revision 0: the backend has said nothing yet, and nothing is pushed. Revisions are this
// tentacle's own and only grow: the services ignore what is not newer than what they have.
struct DesiredState {
  std::uint64_t task_revision = 0;
  std::map<std::string, task::v1::BootTask> tasks;  // By MAC: a machine has one task at a time.
  std::uint64_t config_revision = 0;
  std::string config_json;  // What is pushed.
  ConfigVersions configs;   // What the backend sent.

  std::size_t TaskBytes() const;
  const task::v1::BootTask* FindTask(const std::string& task_id) const;
};

struct RefusedTask {
  std::string task_id;  // Empty when it has none.
  std::string reason;   // One sentence for a person.
};

struct DesiredChange {
  // New value of each task that changes; empty: the task goes.
  std::map<std::string, std::optional<task::v1::BootTask>> tasks;
  std::optional<std::uint64_t> task_revision;    // Set: the table changes.
  std::optional<std::uint64_t> config_revision;  // Set: the configuration changes.
  std::optional<std::string> config_json;
  std::optional<ConfigVersions> configs;
  std::vector<RefusedTask> refused;

  bool empty() const { return !task_revision && !config_revision && !configs; }
};

struct TableLimits {
  std::size_t tasks;
  std::size_t bytes;
};

// task.new. A task of the same MAC or id is replaced.
DesiredChange AddTask(const DesiredState& state,
                      task::v1::BootTask task,
                      const TableLimits& limits);
// task.cancel. An unknown id changes nothing.
DesiredChange CancelTask(const DesiredState& state, const std::string& task_id);
// Tasks that have ended; whoever orders tasks one by one never takes them back.
DesiredChange ForgetTasks(const DesiredState& state, const std::vector<std::string>& task_ids);
// tasks.sync. Of two tasks for one MAC the later is taken and the other refused.
DesiredChange SyncTasks(const DesiredState& state,
                        const std::vector<task::v1::BootTask>& tasks,
                        const TableLimits& limits);
// config.update with a configuration that is valid. `revision` is the backend's, if it gave one; it
// is raised where it would not be newer. One that was taken back before changes nothing.
DesiredChange UpdateConfig(const DesiredState& state,
                           std::optional<std::uint64_t> revision,
                           std::string config_json,
                           absl::Time now);
// The configuration on trial has proven itself.
DesiredChange ConfirmConfig(const DesiredState& state, absl::Time now);
// It has not: the one before goes out again, under a newer revision of ours.
DesiredChange RevertConfig(const DesiredState& state, std::string reason, absl::Time now);

// Somebody at this machine says that no pin holds any more: the configuration in force with an
// empty list of them, which hides that of the machine's own file, too. Not on trial.
DesiredChange ForgetPins(const DesiredState& state, absl::Time now);

// A service has a newer revision than we remember (our own store was lost): ours goes above it.
DesiredChange OutbidTasks(const DesiredState& state, std::uint64_t applied_revision);
DesiredChange OutbidConfig(const DesiredState& state, std::uint64_t applied_revision);

void Apply(const DesiredChange& change, DesiredState& state);

}  // namespace tentacle::uplink
