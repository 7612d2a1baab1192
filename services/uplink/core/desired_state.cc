#include "services/uplink/core/desired_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tentacle::uplink {

namespace {

using task::v1::BootTask;

bool Same(const BootTask& a, const BootTask& b) {
  return a.SerializeAsString() == b.SerializeAsString();
}

}  // namespace

std::size_t DesiredState::TaskBytes() const {
  std::size_t bytes = 0;
  for (const auto& [mac, task] : tasks)
    bytes += task.ByteSizeLong();
  return bytes;
}

const BootTask* DesiredState::FindTask(const std::string& task_id) const {
  for (const auto& [mac, task] : tasks) {
    if (task.id() == task_id) return &task;
  }
  return nullptr;
}

DesiredChange AddTask(const DesiredState& state, BootTask task, const TableLimits& limits) {
  DesiredChange change;
  const std::string mac = task.mac();
  const auto present = state.tasks.find(mac);
  if (present != state.tasks.end() && Same(present->second, task)) return change;
  if (present == state.tasks.end() && state.tasks.size() >= limits.tasks) {
    change.refused.push_back(
        {task.id(), fmt::format("the tentacle holds {} tasks, its limit", limits.tasks)});
    return change;
  }
  if (state.TaskBytes() + task.ByteSizeLong() > limits.bytes) {
    change.refused.push_back(
        {task.id(), fmt::format("the tentacle's tasks would exceed {} bytes", limits.bytes)});
    return change;
  }
  const BootTask* same_id = state.FindTask(task.id());
  if (same_id != nullptr && same_id->mac() != mac) change.tasks[same_id->mac()] = std::nullopt;
  change.tasks[mac] = std::move(task);
  change.task_revision = state.task_revision + 1;
  return change;
}

DesiredChange CancelTask(const DesiredState& state, const std::string& task_id) {
  DesiredChange change;
  const BootTask* task = state.FindTask(task_id);
  if (task == nullptr) return change;
  change.tasks[task->mac()] = std::nullopt;
  change.task_revision = state.task_revision + 1;
  return change;
}

DesiredChange ForgetTasks(const DesiredState& state, const std::vector<std::string>& task_ids) {
  DesiredChange change;
  for (const std::string& id : task_ids) {
    if (const BootTask* task = state.FindTask(id)) change.tasks[task->mac()] = std::nullopt;
  }
  if (!change.tasks.empty()) change.task_revision = state.task_revision + 1;
  return change;
}

DesiredChange SyncTasks(const DesiredState& state,
                        const std::vector<BootTask>& tasks,
                        const TableLimits& limits) {
  DesiredChange change;
  std::map<std::string, BootTask> wanted;
  std::size_t bytes = 0;
  // From the back, so that the first one seen of a MAC is the latest.
  for (auto task = tasks.rbegin(); task != tasks.rend(); ++task) {
    bytes += task->ByteSizeLong();
    if (wanted.contains(task->mac())) {
      change.refused.push_back(
          {task->id(), fmt::format("mac: {} has a later task in the same table", task->mac())});
    } else if (wanted.size() >= limits.tasks || bytes > limits.bytes) {
      change.refused.push_back({task->id(), "the tentacle's table of tasks is full"});
    } else {
      wanted[task->mac()] = *task;
    }
  }
  for (const auto& [mac, task] : state.tasks) {
    if (!wanted.contains(mac)) change.tasks[mac] = std::nullopt;
  }
  for (auto& [mac, task] : wanted) {
    const auto present = state.tasks.find(mac);
    if (present == state.tasks.end() || !Same(present->second, task)) {
      change.tasks[mac] = std::move(task);
    }
  }
  // The first table counts even if it is empty: from then on there is something to push.
  if (!change.tasks.empty() || state.task_revision == 0) {
    change.task_revision = state.task_revision + 1;
  }
  return change;
}

DesiredChange UpdateConfig(const DesiredState& state,
                           std::optional<std::uint64_t> revision,
                           std::string config_json,
                           absl::Time now) {
  DesiredChange change;
  if (state.configs.WasReverted(revision.value_or(0), config_json)) return change;
  const ConfigVersion* current = state.configs.current();
  if (current == nullptr || current->json != config_json ||
      current->revision != revision.value_or(0)) {
    const bool on_trial = TouchesLink(state.config_json, config_json);
    change.configs = state.configs;
    change.configs->Accept(revision.value_or(0), config_json, on_trial, now);
  }
  if (config_json != state.config_json || state.config_revision == 0) {
    change.config_revision = std::max(revision.value_or(0), state.config_revision + 1);
    change.config_json = std::move(config_json);
  } else if (revision.value_or(0) > state.config_revision) {
    change.config_revision = revision;
  }
  return change;
}

DesiredChange ConfirmConfig(const DesiredState& state, absl::Time now) {
  DesiredChange change;
  change.configs = state.configs;
  change.configs->Confirm(now);
  return change;
}

DesiredChange RevertConfig(const DesiredState& state, std::string reason, absl::Time now) {
  DesiredChange change;
  change.configs = state.configs;
  change.config_json = change.configs->Revert(std::move(reason), now);
  change.config_revision = state.config_revision + 1;
  return change;
}

DesiredChange ForgetPins(const DesiredState& state, absl::Time now) {
  DesiredChange change;
  const ConfigVersion* current = state.configs.current();
  std::string json = WithoutPins(state.config_json);
  change.configs = state.configs;
  change.configs->Accept(current == nullptr ? 0 : current->revision, json, false, now);
  change.config_json = std::move(json);
  change.config_revision = state.config_revision + 1;
  return change;
}

DesiredChange OutbidTasks(const DesiredState& state, std::uint64_t applied_revision) {
  DesiredChange change;
  if (state.task_revision != 0 && applied_revision > state.task_revision) {
    change.task_revision = applied_revision + 1;
  }
  return change;
}

DesiredChange OutbidConfig(const DesiredState& state, std::uint64_t applied_revision) {
  DesiredChange change;
  if (state.config_revision != 0 && applied_revision > state.config_revision) {
    change.config_revision = applied_revision + 1;
  }
  return change;
}

void Apply(const DesiredChange& change, DesiredState& state) {
  for (const auto& [mac, task] : change.tasks) {
    if (task.has_value()) {
      state.tasks[mac] = *task;
    } else {
      state.tasks.erase(mac);
    }
  }
  if (change.task_revision) state.task_revision = *change.task_revision;
  if (change.config_revision) state.config_revision = *change.config_revision;
  if (change.config_json) state.config_json = *change.config_json;
  if (change.configs) state.configs = *change.configs;
}

}  // namespace tentacle::uplink
