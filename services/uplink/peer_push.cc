#include "services/uplink/peer_push.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "libs/retry/backoff.h"
#include "libs/text/view.h"
#include "services/uplink/core/reports.h"
#include "services/uplink/limits.h"
#include "services/uplink/together.h"

namespace tentacle::uplink {

namespace {

namespace asio = boost::asio;

// What may succeed when it is tried again; the rest is the service's answer.
bool IsWorthRetrying(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsCancelled(status) || absl::IsResourceExhausted(status) || absl::IsAborted(status);
}

}  // namespace

PeerPush::PeerPush(asio::any_io_executor home,
                   Service service,
                   Peers& peers,
                   DesiredStore& desired,
                   events::EventLog& events,
                   Metrics& metrics,
                   const runtime::Clock& clock,
                   runtime::Log log)
    : home_(home),
      service_(service),
      peers_(peers),
      desired_(desired),
      events_(events),
      metrics_(metrics),
      clock_(clock),
      log_(std::move(log)),
      changed_(home) {}

asio::awaitable<absl::Status> PeerPush::Run() {
  retry::Backoff backoff(limits::kPeerBackoff);
  for (;;) {
    const bool pushed = co_await PushAll();
    if (pushed) {
      backoff.Reset();
    } else {
      given_.reset();
    }
    // One process asks one neighbour: the delay needs no jitter.
    const absl::Duration delay = pushed ? limits::kPushInterval : backoff.Next(1.0);
    const bool noticed = co_await changed_.Wait(delay);
    if (!noticed) given_.reset();  // The time for everything.
  }
}

// g++ 12 compiles a co_await behind && or || into an illegal instruction: each stands alone.
asio::awaitable<bool> PeerPush::PushAll() {
  // Expired ones go even while the service is away.
  const bool expired = co_await DropExpired();
  if (!expired) co_return false;
  const bool pushed = co_await PushTables();
  if (!pushed) co_return false;
  co_return co_await DeliverCommands();
}

// A command does not wait for tables that the service has already.
asio::awaitable<bool> PeerPush::PushTables() {
  const Given wanted{desired_.state().config_revision, desired_.state().task_revision};
  if (given_ == wanted) co_return true;
  const std::uint64_t renewals = renewals_;
  const bool configured = co_await PushConfig();
  if (!configured) co_return false;
  const bool pushed = co_await PushTasks();
  if (!pushed) co_return false;
  // It may have come back meanwhile, with the one table and without the other.
  if (renewals == renewals_) given_ = wanted;
  co_return true;
}

asio::awaitable<bool> PeerPush::PushConfig() {
  const std::uint64_t revision = desired_.state().config_revision;
  if (revision == 0) {
    // Nothing to push yet; who is reachable is worth knowing all the same.
    const absl::Status status = co_await peers_.Ping(service_);
    co_return !IsWorthRetrying(status);
  }
  const auto applied =
      co_await peers_.ReplaceConfig(service_, revision, desired_.state().config_json);
  if (!applied.ok()) {
    if (IsWorthRetrying(applied.status())) co_return false;
    if (std::exchange(logged_config_revision_, revision) != revision) {
      log_.Error("uplink.config_refused", {{"peer", ServiceName(service_)},
                                           {"revision", revision},
                                           {"reason", text::Message(applied.status())}});
    }
    co_return true;
  }
  if (*applied <= revision) co_return true;
  const std::uint64_t newer = *applied;
  auto compute = [newer](const DesiredState& s) { return OutbidConfig(s, newer); };
  co_return co_await Outbid(std::move(compute));
}

asio::awaitable<bool> PeerPush::PushTasks() {
  if (desired_.state().task_revision == 0 || service_ != Service::kPxe) co_return true;
  if (desired_.state().tasks.size() >= limits::kTidyTasksFrom) {
    const bool tidied = co_await ForgetFinishedTasks();
    if (!tidied) co_return false;
  }
  const std::uint64_t revision = desired_.state().task_revision;
  const auto response = co_await peers_.ReplaceBootTasks(desired_.state(), backend_time_());
  if (!response.ok()) {
    if (IsWorthRetrying(response.status())) co_return false;
    log_.Error("uplink.tasks_not_taken",
               {{"revision", revision}, {"reason", text::Message(response.status())}});
    co_return true;
  }
  const bool reported = co_await ReportRefusals(*response);
  if (!reported) co_return false;
  if (response->applied_revision() <= revision) co_return true;
  const std::uint64_t newer = response->applied_revision();
  auto compute = [newer](const DesiredState& s) { return OutbidTasks(s, newer); };
  co_return co_await Outbid(std::move(compute));
}

asio::awaitable<bool> PeerPush::ForgetFinishedTasks() {
  const auto list = co_await peers_.ListBootTasks();
  if (!list.ok()) co_return !IsWorthRetrying(list.status());
  std::vector<std::string> finished;
  for (const auto& tracked : list->tasks()) {
    const auto status = tracked.progress().status();
    if (status == task::v1::TASK_STATUS_COMPLETE || status == task::v1::TASK_STATUS_FAILED ||
        status == task::v1::TASK_STATUS_CANCELLED) {
      finished.push_back(tracked.task().id());
    }
  }
  auto compute = [finished](const DesiredState& state) { return ForgetTasks(state, finished); };
  auto commit = desired_.Commit(std::move(compute), std::nullopt, std::nullopt);
  const auto change = co_await Shield(home_, std::move(commit));
  if (!change.ok()) metrics_.StoreFailed("desired");
  co_return change.ok();
}

// Our revision goes above that of the service, and the push is made again.
asio::awaitable<bool> PeerPush::Outbid(DesiredStore::Compute compute) {
  auto commit = desired_.Commit(std::move(compute), std::nullopt, std::nullopt);
  const auto change = co_await Shield(home_, std::move(commit));
  if (!change.ok()) {
    metrics_.StoreFailed("desired");
    co_return false;
  }
  log_.Info("uplink.revision_raised", {{"peer", ServiceName(service_)},
                                       {"tasks", desired_.state().task_revision},
                                       {"config", desired_.state().config_revision}});
  changed_.Notify();
  co_return true;
}

asio::awaitable<bool> PeerPush::ReportRefusals(pxe::v1::ReplaceBootTasksResponse response) {
  for (const auto& refused : response.refused()) {
    const std::string key = fmt::format("{}\n{}", refused.task_id(), refused.reason());
    if (reported_refusals_.contains(key)) continue;
    if (reported_refusals_.size() >= limits::kReportedRefusals) reported_refusals_.clear();
    metrics_.TaskRefused("pxe");
    log_.Warning("uplink.task_refused",
                 {{"task", refused.task_id()}, {"by", "pxe"}, {"reason", refused.reason()}});
    auto append = events_.Append(TaskFailed({refused.task_id(), refused.reason()}, clock_.Now()));
    const auto sequence = co_await Shield(home_, std::move(append));
    if (!sequence.ok()) {
      metrics_.StoreFailed("event");
      co_return false;
    }
    reported_refusals_.insert(key);
  }
  co_return true;
}

std::vector<std::uint64_t> PeerPush::Waiting() const {
  std::vector<std::uint64_t> sequences;
  for (const auto& [sequence, pending] : desired_.commands()) {
    if (pending.command.service() == service_) sequences.push_back(sequence);
  }
  return sequences;
}

bool PeerPush::IsExpired(std::uint64_t sequence, const PendingCommand& pending) {
  const absl::Duration life = pending.command.time_to_live;
  if (pending.held_since) return clock_.Steady() - *pending.held_since >= life;
  // What waited over a restart is as old as the clock says, and at least new.
  const absl::Duration age =
      std::clamp(clock_.Now() - pending.received_at, absl::ZeroDuration(), life);
  const auto [at, first] = expiries_.try_emplace(sequence, clock_.Steady() + life - age);
  return clock_.Steady() >= at->second;
}

asio::awaitable<bool> PeerPush::DropExpired() {
  for (const std::uint64_t sequence : Waiting()) {
    const auto pending = desired_.commands().find(sequence);
    if (pending == desired_.commands().end() || !IsExpired(sequence, pending->second)) continue;
    const Command command = pending->second.command;
    metrics_.Command(command.kind, "expired");
    const std::string reason =
        fmt::format("expired: {} could not be reached within {}: {}", ServiceName(service_),
                    absl::FormatDuration(command.time_to_live), peers_.view(service_).reason);
    log_.Warning("uplink.command_dropped",
                 {{"command", command.type()}, {"id", command.reference}, {"reason", reason}});
    const bool settled = co_await Settle(sequence, CommandFailed(command, reason, clock_.Now()));
    if (!settled) co_return false;
  }
  co_return true;
}

asio::awaitable<bool> PeerPush::DeliverCommands() {
  for (const std::uint64_t sequence : Waiting()) {
    const auto pending = desired_.commands().find(sequence);
    if (pending == desired_.commands().end()) continue;  // It could not be stored after all.
    const bool settled = co_await Deliver(sequence, pending->second.command);
    if (!settled) co_return false;
  }
  co_return true;
}

asio::awaitable<bool> PeerPush::Deliver(std::uint64_t sequence, Command command) {
  const absl::Status delivered = co_await peers_.Deliver(command);
  if (IsWorthRetrying(delivered)) co_return false;
  std::optional<event::v1::Event> event;
  if (!delivered.ok()) {
    metrics_.Command(command.kind, "refused");
    const std::string reason(text::Message(delivered));
    log_.Warning("uplink.command_refused",
                 {{"command", command.type()}, {"id", command.reference}, {"reason", reason}});
    event = CommandFailed(command, reason, clock_.Now());
  } else {
    metrics_.Command(command.kind, "delivered");
    log_.Info("uplink.command_delivered",
              {{"command", command.type()}, {"id", command.reference}, {"mac", command.mac}});
  }
  co_return co_await Settle(sequence, std::move(event));
}

asio::awaitable<bool> PeerPush::Settle(std::uint64_t sequence,
                                       std::optional<event::v1::Event> event) {
  if (event) {
    auto append = events_.Append(*std::move(event));
    const auto appended = co_await Shield(home_, std::move(append));
    if (!appended.ok()) {
      metrics_.StoreFailed("event");
      co_return false;
    }
  }
  expiries_.erase(sequence);
  auto forget = desired_.Forget(sequence);
  const absl::Status status = co_await Shield(home_, std::move(forget));
  if (!status.ok()) metrics_.StoreFailed("command");
  co_return status.ok();
}

}  // namespace tentacle::uplink
