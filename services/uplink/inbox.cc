#include "services/uplink/inbox.h"

#include <utility>

#include "libs/text/view.h"
#include "services/uplink/core/reports.h"
#include "services/uplink/limits.h"

namespace tentacle::uplink {

namespace {

namespace asio = boost::asio;
using backend_link::Message;

constexpr TableLimits kTableLimits{limits::kMaxTasks, limits::kMaxTaskTableBytes};

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

}  // namespace

Inbox::Inbox(DesiredStore& desired,
             events::EventLog& events,
             const runtime::ConfigFeed& config,
             Metrics& metrics,
             const runtime::Clock& clock,
             runtime::Log log)
    : desired_(desired),
      events_(events),
      config_(config),
      metrics_(metrics),
      clock_(clock),
      log_(std::move(log)) {}

asio::awaitable<bool> Inbox::Take(Message message, std::vector<Action> actions) {
  if (message.id && desired_.HasSeen(*message.id)) {
    metrics_.Repeat();
    co_return true;
  }
  Plan plan = MakePlan(message, std::move(actions));
  if (plan.compute) {
    for (auto& refused : plan.compute(desired_.state()).refused) {
      plan.refused.push_back(std::move(refused));
    }
  }
  // Before the id counts as seen: after a crash in between the backend repeats and we report again.
  auto report = ReportRefused(std::move(plan.refused));
  const bool reported = co_await std::move(report);
  if (!reported) co_return false;
  if (plan.report) {
    auto append = Report(*std::move(plan.report));
    const bool appended = co_await std::move(append);
    if (!appended) co_return false;
  }

  auto commit = desired_.Commit(std::move(plan.compute), message.id, std::move(plan.command));
  const auto change = co_await std::move(commit);
  if (!change.ok()) {
    metrics_.StoreFailed("desired");
    log_.Error("uplink.store_refused",
               {{"type", message.type}, {"reason", text::Message(change.status())}});
    co_return false;
  }
  NotifyPushers(*change);
  co_return true;
}

Inbox::Plan Inbox::MakePlan(const Message& message, std::vector<Action> actions) {
  Plan plan;
  const auto act = Overloaded{
      [&](AddTaskAction& add) {
        log_.Info("uplink.task_received", {{"task", add.task.id()}, {"mac", add.task.mac()}});
        plan.compute = [task = std::move(add.task)](const DesiredState& state) {
          return AddTask(state, task, kTableLimits);
        };
      },
      [&](CancelTaskAction& cancel) {
        log_.Info("uplink.task_cancelled", {{"task", cancel.task_id}});
        plan.compute = [id = std::move(cancel.task_id)](const DesiredState& state) {
          return CancelTask(state, id);
        };
      },
      [&](SyncTasksAction& sync) {
        log_.Info("uplink.tasks_synced", {{"tasks", sync.tasks.size()}});
        plan.compute = [tasks = std::move(sync.tasks)](const DesiredState& state) {
          return SyncTasks(state, tasks, kTableLimits);
        };
      },
      [&](UpdateConfigAction& update) { PlanConfig(std::move(update), plan); },
      [&](CommandAction& action) { PlanCommand(message, std::move(action.command), plan); },
      [&](RefuseTaskAction& refuse) { plan.refused.push_back(std::move(refuse.refused)); },
      [&](UnknownTypeAction& unknown) { NoteUnknown(unknown.type); },
      [&](BadFieldAction& bad) {
        metrics_.RefusedFrame("bad_field");
        log_.Warning("uplink.frame_refused", {{"reason", "bad_field"}, {"detail", bad.reason}});
      },
      // These concern the connection, which has taken them already.
      [](AckedAction&) {},
      [](CreditAction&) {},
      [](GoodbyeAction&) {},
      [](QuarantineAction&) {},
      [](RemovedAction&) {},
  };
  for (Action& action : actions)
    std::visit(act, action);
  return plan;
}

// A wrong one changes nothing: the configuration in force stays, and the backend learns why.
void Inbox::PlanConfig(UpdateConfigAction update, Plan& plan) {
  const std::uint64_t revision = update.revision.value_or(0);
  const absl::Time now = clock_.Now();
  const absl::Status valid = config_.Check(update.config_json);
  if (!valid.ok()) {
    const std::string reason(text::Message(valid));
    metrics_.Config("refused");
    log_.Error("uplink.config_refused",
               {{"peer", "uplink"}, {"revision", revision}, {"reason", reason}});
    plan.report = ConfigResult(revision, "refused", reason, now);
    return;
  }
  plan.compute = [revision = update.revision, json = std::move(update.config_json),
                  now](const DesiredState& state) {
    return UpdateConfig(state, revision, json, now);
  };
  const DesiredChange change = plan.compute(desired_.state());
  if (!change.configs) return;  // It is in force already, or was taken back.
  const bool on_trial = change.configs->on_trial();
  metrics_.Config(on_trial ? "on_trial" : "applied");
  plan.report = ConfigResult(revision, on_trial ? "on-trial" : "applied", "", now);
}

asio::awaitable<bool> Inbox::Report(event::v1::Event event) {
  const auto sequence = co_await events_.Append(std::move(event));
  if (!sequence.ok()) metrics_.StoreFailed("event");
  co_return sequence.ok();
}

void Inbox::PlanCommand(const Message& message, Command command, Plan& plan) {
  if (desired_.commands().size() >= limits::kMaxPendingCommands) {
    metrics_.Command(command.kind, "overflow");
    log_.Error("uplink.command_dropped", {{"command", command.type()},
                                          {"id", command.reference},
                                          {"reason", "too many commands wait already"}});
    events_.Publish(CommandFailed(command, "too many commands wait already", clock_.Now()));
    return;
  }
  metrics_.Command(command.kind, "stored");
  log_.Info("uplink.command_received",
            {{"command", command.type()}, {"id", command.reference}, {"mac", command.mac}});
  // The service need not wait for our disk; the backend's acknowledgement does.
  const auto hand_over = [this, service = command.service()] { on_change_(service); };
  plan.command = DesiredStore::NewCommand{std::move(command), backend_link::Serialize(message),
                                          clock_.Now(), clock_.Steady(), hand_over};
}

asio::awaitable<bool> Inbox::ReportRefused(std::vector<RefusedTask> refused) {
  for (const RefusedTask& task : refused) {
    metrics_.TaskRefused("uplink");
    log_.Warning("uplink.task_refused",
                 {{"task", task.task_id}, {"by", "uplink"}, {"reason", task.reason}});
    if (task.task_id.empty()) continue;  // Nobody up there could tell which one is meant.
    auto append = Report(TaskFailed(task, clock_.Now()));
    const bool appended = co_await std::move(append);
    if (!appended) co_return false;
  }
  co_return true;
}

void Inbox::NotifyPushers(const DesiredChange& change) {
  if (change.task_revision) on_change_(Service::kPxe);
  if (!change.config_revision) return;
  log_.Info("uplink.config_received", {{"revision", *change.config_revision}});
  for (const Service service : kServices)
    on_change_(service);
}

void Inbox::NoteUnknown(const std::string& type) {
  metrics_.UnknownType();
  if (logged_types_.size() >= limits::kLoggedUnknownTypes) return;
  if (logged_types_.insert(type).second) log_.Info("uplink.unknown_type", {{"type", type}});
}

}  // namespace tentacle::uplink
