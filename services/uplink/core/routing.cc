#include "services/uplink/core/routing.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "libs/text/view.h"
#include "services/uplink/core/planning_orders.h"

namespace tentacle::uplink {

namespace {

namespace json = boost::json;
using backend_link::Message;

// The string below `name`, or "" when there is none.
std::string Text(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || value->if_string() == nullptr) return {};
  return std::string(value->get_string());
}

std::optional<std::uint64_t> Number(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  json::error_code error;
  const auto number = value->to_number<std::uint64_t>(error);
  if (error) return std::nullopt;
  return number;
}

std::vector<Action> Bad(std::string reason) {
  return {BadFieldAction{std::move(reason)}};
}

RefuseTaskAction Refuse(const json::object& task, const absl::Status& status) {
  return {{Text(task, "id"), fmt::format("the task is wrong: {}", text::Message(status))}};
}

std::vector<Action> RouteTaskNew(const Message& message) {
  const auto* value = message.body.if_contains("task");
  const auto* task = value == nullptr ? nullptr : value->if_object();
  if (task == nullptr) return Bad("task.new: task is not an object");
  auto parsed = backend_link::ParseTask(*task);
  if (!parsed.ok()) return {Refuse(*task, parsed.status())};
  return {AddTaskAction{*std::move(parsed)}};
}

std::vector<Action> RouteTaskCancel(const Message& message) {
  std::string id = Text(message.body, "taskId");
  if (id.empty()) return Bad("task.cancel: taskId is missing");
  return {CancelTaskAction{std::move(id)}};
}

// One wrong task does not cost the others.
void RouteTaskList(const json::array& list,
                   bool shared,
                   SyncTasksAction& sync,
                   std::vector<Action>& actions) {
  for (const auto& element : list) {
    const auto* task = element.if_object();
    if (task == nullptr) {
      actions.emplace_back(BadFieldAction{"tasks.sync: a task is not an object"});
      continue;
    }
    auto parsed = backend_link::ParseTask(*task);
    if (!parsed.ok()) {
      actions.emplace_back(Refuse(*task, parsed.status()));
    } else if (shared == (parsed->relay() == task::v1::RELAY_ROLE_UNSPECIFIED)) {
      actions.emplace_back(BadFieldAction{
          fmt::format("tasks.sync: task {} is in the wrong list for its relay", parsed->id())});
    } else {
      sync.tasks.push_back(*std::move(parsed));
    }
  }
}

std::vector<Action> RouteTasksSync(const Message& message) {
  const auto* tasks = message.body.if_contains("tasks");
  if (tasks == nullptr || !tasks->is_array()) return Bad("tasks.sync: tasks is not a list");
  const auto* shared = message.body.if_contains("shared");
  if (shared != nullptr && !shared->is_array()) return Bad("tasks.sync: shared is not a list");
  std::vector<Action> actions;
  SyncTasksAction sync;
  RouteTaskList(tasks->get_array(), false, sync, actions);
  if (shared != nullptr) RouteTaskList(shared->get_array(), true, sync, actions);
  actions.emplace_back(std::move(sync));
  return actions;
}

std::vector<Action> RouteConfigUpdate(const Message& message) {
  const auto* config = message.body.if_contains("config");
  if (config == nullptr || config->if_object() == nullptr) {
    return Bad("config.update: config is not an object");
  }
  return {UpdateConfigAction{Number(message.body, "revision"), json::serialize(*config)}};
}

// Seconds, beside the command's other fields.
absl::Duration TimeToLive(const json::object& body) {
  const auto seconds = Number(body, "ttlSeconds");
  if (!seconds) return kDefaultTimeToLive;
  return std::min(absl::Seconds(*seconds), kMaxTimeToLive);
}

std::vector<Action> RouteScan(const Message& message) {
  return {CommandAction{{.kind = CommandKind::kScan,
                         .reference = Text(message.body, "commandId"),
                         .mac = {},
                         .order = {},
                         .signature = {},
                         .time_to_live = TimeToLive(message.body)}}};
}

std::vector<Action> RouteReportDevices(const Message& message) {
  return {CommandAction{{.kind = CommandKind::kReportDevices,
                         .reference = Text(message.body, "commandId"),
                         .mac = {},
                         .order = {},
                         .signature = {},
                         .time_to_live = TimeToLive(message.body)}}};
}

std::vector<Action> RouteWake(const Message& message) {
  Command command{.kind = CommandKind::kWake,
                  .reference = Text(message.body, "commandId"),
                  .mac = Text(message.body, "mac"),
                  .order = {},
                  .signature = {},
                  .time_to_live = TimeToLive(message.body),
                  .password = Text(message.body, "password")};
  if (command.mac.empty()) return Bad("wake: mac is missing");
  return {CommandAction{std::move(command)}};
}

std::vector<Action> RoutePrepull(const Message& message) {
  auto prepull = ParsePrepull(message.body);
  if (!prepull.ok()) return Bad(std::string(prepull.status().message()));
  const bool plain = prepull->id() == PlainPrepullId(prepull->image_id());
  Command command;
  command.kind = CommandKind::kPrepull;
  command.reference = prepull->image_id();
  command.prepull = *std::move(prepull);
  const bool scheduled = !plain && !Number(message.body, "ttlSeconds");
  command.time_to_live = scheduled ? kScheduleTimeToLive : TimeToLive(message.body);
  return {CommandAction{std::move(command)}};
}

std::vector<Action> RouteCancelPrepull(const Message& message) {
  Command command;
  command.kind = CommandKind::kCancelPrepull;
  command.reference = Text(message.body, "scheduleId");
  command.time_to_live = kScheduleTimeToLive;
  if (command.reference.empty()) return Bad("prepull.cancel: scheduleId is missing");
  return {CommandAction{std::move(command)}};
}

// The next connection brings the table anew, so an old one is of no use for long.
std::vector<Action> RoutePeers(const Message& message) {
  auto peers = ParsePeers(message.body);
  if (!peers.ok()) return Bad(std::string(peers.status().message()));
  Command command;
  command.kind = CommandKind::kPeers;
  command.peers = *std::move(peers);
  return {CommandAction{std::move(command)}};
}

// What the agent alone may judge: whether the backend's command key has signed it.
Command AgentCommand(CommandKind kind, std::string reference, const json::object& body) {
  return {.kind = kind,
          .reference = std::move(reference),
          .mac = {},
          .order = Text(body, "order"),
          .signature = Text(body, "signature"),
          .time_to_live = TimeToLive(body)};
}

std::vector<Action> RouteJob(const Message& message) {
  const auto* value = message.body.if_contains("job");
  const auto* job = value == nullptr ? nullptr : value->if_object();
  if (job == nullptr) return Bad("job.run: job is not an object");
  std::string id = Text(*job, "id");
  if (id.empty()) return Bad("job.run: job.id is missing");
  Command command = AgentCommand(CommandKind::kJob, std::move(id), message.body);
  command.credentials = Text(message.body, "credentials");
  return {CommandAction{std::move(command)}};
}

template <CommandKind kKind>
std::vector<Action> RouteOrder(const Message& message) {
  return {CommandAction{AgentCommand(kKind, Text(message.body, "commandId"), message.body)}};
}

std::vector<Action> RouteAck(const Message& message) {
  if (!message.id.has_value()) return Bad("ack: id is missing");
  return {AckedAction{*message.id}};
}

std::vector<Action> RouteCredit(const Message& message) {
  const auto events = Number(message.body, "events");
  if (!events) return Bad("credit: events is no number");
  return {CreditAction{*events}};
}

std::vector<Action> RouteGoodbye(const Message& message) {
  const auto delay = Number(message.body, "reconnectAfterMs");
  if (!delay) return Bad("goodbye: reconnectAfterMs is no number");
  return {GoodbyeAction{std::min(absl::Milliseconds(*delay), kMaxReconnectAfter)}};
}

std::vector<Action> RouteQuarantine(const Message& message) {
  return {QuarantineAction{Text(message.body, "reason")}};
}

std::vector<Action> RouteRemoved(const Message&) {
  return {RemovedAction{}};
}

struct RouteRow {
  std::string_view type;
  std::vector<Action> (*route)(const Message&);
};

constexpr RouteRow kRoutes[] = {
    {"task.new", &RouteTaskNew},
    {"task.cancel", &RouteTaskCancel},
    {"tasks.sync", &RouteTasksSync},
    {"config.update", &RouteConfigUpdate},
    {"image.prepull", &RoutePrepull},
    {"prepull.cancel", &RouteCancelPrepull},
    {"peers.sync", &RoutePeers},
    {"scan.start", &RouteScan},
    {"wake", &RouteWake},
    {"discovery.sync", &RouteReportDevices},
    {"job.run", &RouteJob},
    {"job.cancel", &RouteOrder<CommandKind::kJobCancel>},
    {"inventory.request", &RouteOrder<CommandKind::kInventory>},
    {"update.start", &RouteOrder<CommandKind::kUpdate>},
    {"ack", &RouteAck},
    {"credit", &RouteCredit},
    {"goodbye", &RouteGoodbye},
    {"quarantine", &RouteQuarantine},
    {"node.removed", &RouteRemoved},
};

struct CommandRow {
  CommandKind kind;
  Service service;
  std::string_view type;
};

constexpr CommandRow kCommands[] = {
    {CommandKind::kScan, Service::kDiscovery, "scan.start"},
    {CommandKind::kWake, Service::kDiscovery, "wake"},
    {CommandKind::kJob, Service::kAgent, "job.run"},
    {CommandKind::kPrepull, Service::kCache, "image.prepull"},
    {CommandKind::kJobCancel, Service::kAgent, "job.cancel"},
    {CommandKind::kInventory, Service::kAgent, "inventory.request"},
    {CommandKind::kUpdate, Service::kAgent, "update.start"},
    {CommandKind::kReportDevices, Service::kDiscovery, "discovery.sync"},
    {CommandKind::kCancelPrepull, Service::kCache, "prepull.cancel"},
    {CommandKind::kPeers, Service::kCache, "peers.sync"},
};

const CommandRow& RowOf(CommandKind kind) {
  return kCommands[static_cast<std::size_t>(kind)];
}

}  // namespace

Service Command::service() const {
  return RowOf(kind).service;
}

std::string_view Command::type() const {
  return RowOf(kind).type;
}

std::vector<Action> Route(const Message& message) {
  for (const RouteRow& row : kRoutes) {
    if (row.type == message.type) return row.route(message);
  }
  return {UnknownTypeAction{message.type}};
}

}  // namespace tentacle::uplink
