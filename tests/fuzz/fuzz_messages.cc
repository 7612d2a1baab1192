// Frames of the WebSocket, from either side: the codec, and for what comes down the routing, the
// change of the desired state and the versions of the configuration.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include <boost/json/value.hpp>

#include "libs/backend_link/messages.h"
#include "libs/runtime/check.h"
#include "services/uplink/core/config_versions.h"
#include "services/uplink/core/delivery.h"
#include "services/uplink/core/desired_state.h"
#include "services/uplink/core/routing.h"

namespace {

using namespace tentacle;  // NOLINT(google-build-using-namespace)

constexpr uplink::TableLimits kLimits{4, 4096};
const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

// Boost.JSON 1.81 reads a decimal fraction to within its last bit only, so twice is not once.
bool HasFraction(const boost::json::value& value) {
  if (const auto* object = value.if_object()) {
    return std::any_of(object->begin(), object->end(),
                       [](const auto& entry) { return HasFraction(entry.value()); });
  }
  if (const auto* array = value.if_array()) {
    return std::any_of(array->begin(), array->end(), HasFraction);
  }
  return value.is_double();
}

void CheckCodec(const backend_link::Message& message) {
  const auto again = backend_link::Parse(backend_link::Serialize(message));
  TENTACLE_CHECK(again.ok());
  TENTACLE_CHECK(again->type == message.type && again->id == message.id);
  TENTACLE_CHECK(again->body == message.body || HasFraction(message.body));
}

void CheckState(const uplink::DesiredState& state) {
  TENTACLE_CHECK(state.tasks.size() <= kLimits.tasks);
  for (const auto& [mac, task] : state.tasks)
    TENTACLE_CHECK(task.mac() == mac);
  TENTACLE_CHECK(state.configs.all().size() <= uplink::ConfigVersions::kMax);
  const auto read = uplink::ConfigVersions::Parse(state.configs.Serialize());
  TENTACLE_CHECK(read.all().size() == state.configs.all().size());
}

void Take(const uplink::Action& action, uplink::DesiredState& state) {
  if (const auto* add = std::get_if<uplink::AddTaskAction>(&action)) {
    Apply(AddTask(state, add->task, kLimits), state);
  } else if (const auto* sync = std::get_if<uplink::SyncTasksAction>(&action)) {
    Apply(SyncTasks(state, sync->tasks, kLimits), state);
  } else if (const auto* cancel = std::get_if<uplink::CancelTaskAction>(&action)) {
    Apply(CancelTask(state, cancel->task_id), state);
  } else if (const auto* config = std::get_if<uplink::UpdateConfigAction>(&action)) {
    Apply(UpdateConfig(state, config->revision, config->config_json, kNow), state);
  } else if (const auto* command = std::get_if<uplink::CommandAction>(&action)) {
    TENTACLE_CHECK(command->command.time_to_live <= uplink::kMaxTimeToLive);
  } else if (const auto* acked = std::get_if<uplink::AckedAction>(&action)) {
    const auto id = uplink::ParseEventId(acked->id);
    if (id) TENTACLE_CHECK(uplink::ParseEventId(uplink::FormatEventId(*id)).has_value());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // One frame a line, so that one input is a conversation.
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  uplink::DesiredState state;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const auto message = backend_link::Parse(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (!message.ok()) continue;
    CheckCodec(*message);
    const auto actions = uplink::Route(*message);
    TENTACLE_CHECK(!actions.empty());
    for (const uplink::Action& action : actions)
      Take(action, state);
    CheckState(state);
  }
  return 0;
}
