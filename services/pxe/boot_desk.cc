#include "services/pxe/boot_desk.h"

#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/async/on_pool.h"
#include "libs/backend_link/messages.h"
#include "libs/text/view.h"
#include "services/pxe/limits.h"
#include "services/pxe/reports.h"

namespace tentacle::pxe {

namespace {

namespace asio = boost::asio;
using event::v1::PRIORITY_RESULT;

}  // namespace

BootDesk::BootDesk(Parts parts)
    : parts_(std::move(parts)),
      started_(parts_.clock.Steady()),
      table_(parts_.secret),
      boots_turn_(parts_.home),
      file_turn_(parts_.home),
      pull_wake_(parts_.home),
      deadline_timer_(parts_.home) {}

absl::Time BootDesk::Now() {
  const absl::Time now = parts_.clock.Now();
  const absl::Duration ahead = now - parts_.clock.Steady();
  const absl::Duration step = ahead - clock_ahead_.value_or(ahead);
  clock_ahead_ = ahead;
  if (absl::AbsDuration(step) > limits::kClockStep) {
    parts_.log.Warning("pxe.clock_stepped", {{"seconds", absl::ToDoubleSeconds(step)}});
    table_.ClockStepped(step);
    boots_.ClockStepped(step);
  }
  return now;
}

void BootDesk::LearnTime(std::optional<absl::Time> backend_time) {
  if (backend_time) backend_ahead_ = *backend_time - parts_.clock.Steady();
}

std::optional<absl::Time> BootDesk::BackendNow() {
  const absl::Time steady = parts_.clock.Steady();
  if (backend_ahead_) return steady + *backend_ahead_;
  if (steady - started_ < limits::kBackendTimePatience) return std::nullopt;
  return Now();
}

absl::Status BootDesk::Restore() {
  auto loaded = parts_.files.Load();
  if (!loaded.ok()) return loaded.status();
  for (const std::string& what : loaded->quarantined) {
    parts_.metrics.TaskFile("quarantined");
    parts_.log.Error("pxe.task_file_corrupt", {{"reason", what}});
  }
  for (TrackedTask& task : loaded->tasks) {
    const bool wanted = IsOpen(task.progress.status()) && !task.task.image_id().empty();
    if (wanted) wanted_images_.insert(task.task.image_id());
    const absl::Time now = Now();
    // We were killed before its file went; perhaps before the word of it was out.
    if (task.progress.status() == task::v1::TASK_STATUS_CANCELLED) {
      parts_.events.Publish(events::MakeEvent("task.status", task.task.id(), PRIORITY_RESULT,
                                              StatusBody(task, now), now));
    }
    // Nobody could report while we were away, and the clock may have been set meanwhile.
    task.watched_since = now;
    table_.Restore(std::move(task));
  }
  CountTasks();
  parts_.log.Info("pxe.tasks_restored", {{"tasks", loaded->tasks.size()}});
  return RestoreBoots();
}

absl::Status BootDesk::RestoreBoots() {
  auto kept = parts_.archive.Load();
  if (!kept.ok()) return kept.status();
  for (const std::string& what : kept->unreadable)
    parts_.log.Error("pxe.boot_record_unreadable", {{"reason", what}});
  boots_.Restore(std::move(kept->boots));
  return absl::OkStatus();
}

asio::awaitable<void> BootDesk::KeepBoots() {
  const auto held = co_await boots_turn_.Take();
  boots_wait_ = false;
  const std::set<wire::MacAddress> changed = boots_.TakeChanged();
  for (const wire::MacAddress& mac : changed) {
    auto save = [this, mac, boots = boots_.Of(mac)] { return parts_.archive.Save(mac, boots); };
    const absl::Status status = co_await async::OnPool(parts_.blocking, save);
    if (!status.ok()) {
      parts_.log.Error("pxe.boot_record_not_kept",
                       {{"mac", mac.ToString()}, {"reason", std::string(status.message())}});
    }
  }
}

void BootDesk::KeepBootsLater() {
  if (std::exchange(boots_wait_, true)) return;
  auto keep = KeepBoots();
  asio::co_spawn(parts_.home, std::move(keep), asio::detached);
}

std::optional<DropReason> BootDesk::Admit(const wire::MacAddress& mac) const {
  if (!enabled_) return DropReason::kDisabled;
  const TrackedTask* task = table_.Find(mac);
  if (task == nullptr) return DropReason::kNotOurs;
  if (!NeedsNetworkBoot(task->progress)) return DropReason::kNotWaiting;
  const bool others = task->task.relay() == task::v1::RELAY_ROLE_STANDBY;
  if (others && !standby_.IsOurs(mac, parts_.clock.Now())) return DropReason::kStandby;
  return std::nullopt;
}

void BootDesk::Answered(const BootRequest& boot, DhcpPort port, std::string_view file) {
  const absl::Time now = Now();
  const TrackedTask* task = table_.Find(boot.mac);
  if (task == nullptr) return;
  const bool offer = port == DhcpPort::kDhcp;
  parts_.log.Info(offer ? "pxe.offer_sent" : "pxe.boot_server_answered",
                  {{"task", task->task.id()},
                   {"mac", boot.mac.ToString()},
                   {"arch", boot.arch.name},
                   {"file", file}});
  const std::string who = boot.ipxe ? "iPXE" : std::string(boot.arch.name);
  const bool new_boot = offer && table_.NoteDiscover(boot.mac, now);
  if (new_boot) {
    Ended(boots_.BeginAnew(boot.mac, now));
    parts_.events.Publish(events::MakeEvent("boot.detected", task->task.id(), PRIORITY_RESULT,
                                            BootBody(boot, task->task.id(), "", now), now));
  }
  // Firmware repeats its DISCOVER; one line per boot and speaker is enough.
  if (new_boot || !offer || boot.ipxe) {
    Timeline(*task, offer ? "offer" : "boot-server", fmt::format("{} was offered {}", who, file));
  }
}

void BootDesk::LoaderSent(const wire::MacAddress& mac, std::string_view file, absl::Duration took) {
  HasLoader(mac, "tftp", fmt::format("{} in {:.1f} s", file, absl::ToDoubleSeconds(took)));
}

void BootDesk::LoaderAskedFor(const wire::MacAddress& mac, std::string_view file) {
  HasLoader(mac, "http", fmt::format("{} by HTTP Boot", file));
}

void BootDesk::HasLoader(const wire::MacAddress& mac,
                         std::string_view step,
                         std::string_view detail) {
  const TrackedTask* task = table_.Find(mac);
  if (task == nullptr || Admit(mac).has_value()) return;
  Timeline(*task, step, detail);
  if (const TrackedTask* changed = table_.Step(mac, BootStep::kLoaderFetched, Now())) {
    SettleLater(*changed);
  }
}

void BootDesk::Note(const wire::MacAddress& mac, std::string_view step, std::string_view detail) {
  if (const TrackedTask* task = table_.Find(mac)) Timeline(*task, step, detail);
}

// What is closed already stays as it is.
void BootDesk::CloseIfEnded(const TrackedTask& task) {
  const absl::Time now = Now();
  if (task.progress.status() == task::v1::TASK_STATUS_COMPLETE) {
    Ended(boots_.Close(task.mac, "the machine runs its new system", true, now));
  } else if (task.progress.status() == task::v1::TASK_STATUS_FAILED) {
    Ended(boots_.Close(task.mac, fmt::format("failed: {}", task.progress.message()), false, now));
  }
}

asio::awaitable<absl::Status> BootDesk::Report(std::string task_id,
                                               std::string token,
                                               pxe::Report report) {
  const TrackedTask* known = table_.FindById(task_id);
  const std::string stage_before = known == nullptr ? "" : known->progress.stage();
  const TrackedTask* changed = nullptr;
  absl::Status status = table_.Apply(task_id, token, report, Now(), &changed);
  if (!status.ok()) {
    parts_.metrics.Callback(absl::IsUnauthenticated(status) ? "unauthenticated" : "refused");
    parts_.log.Warning("pxe.callback_refused",
                       {{"task", task_id}, {"reason", std::string(status.message())}});
    co_return status;
  }
  if (changed == nullptr) {
    parts_.metrics.Callback("repeated");
    // The process may have been killed between the table and the log: what is answered 204 must be
    // in both.
    const TrackedTask again = *table_.FindById(task_id);
    CloseIfEnded(again);
    co_return co_await SettleReport(again);
  }
  const TrackedTask task = *changed;
  parts_.log.Info("pxe.installer_reported", {{"task", task_id},
                                             {"mac", task.mac.ToString()},
                                             {"stage", report.event},
                                             {"percent", task.progress.percent()},
                                             {"message", task.progress.message()}});
  // Progress within a stage is not a step of its own.
  if (task.progress.stage() != stage_before) Timeline(task, report.event, task.progress.message());
  CloseIfEnded(task);
  status = co_await SettleReport(task);
  parts_.metrics.Callback(status.ok()                       ? "taken"
                          : absl::IsUnauthenticated(status) ? "unauthenticated"
                                                            : "not_durable");
  co_return status;
}

asio::awaitable<std::vector<RefusedTask>> BootDesk::Replace(std::uint64_t revision,
                                                            std::vector<task::v1::BootTask> tasks) {
  // Overtaken on its way: it may hold a task that has been cancelled since.
  if (revision < table_.revision()) co_return std::vector<RefusedTask>();
  const Replacement change = table_.Replace(revision, tasks, Now());
  for (const auto* macs : {&change.removed, &change.role_changed, &change.added}) {
    for (const wire::MacAddress& mac : *macs)
      ForgetShared(mac);
  }
  for (const TrackedTask& gone : change.cancelled) {
    Ended(boots_.Close(gone.mac, "the task was cancelled", false, Now()));
    parts_.log.Info("pxe.task_cancelled", {{"task", gone.task.id()}, {"mac", gone.mac.ToString()}});
    co_await SettleCancelled(gone);
  }
  for (const wire::MacAddress& mac : change.removed)
    co_await RemoveFile(mac);
  for (const wire::MacAddress& mac : change.added) {
    const TrackedTask* task = table_.Find(mac);
    if (task == nullptr) continue;
    const TrackedTask fresh = *task;
    loops_.Forget(mac);
    parts_.log.Info("pxe.task_taken", {{"task", fresh.task.id()}, {"mac", mac.ToString()}});
    if (!fresh.task.image_id().empty()) wanted_images_.insert(fresh.task.image_id());
    const absl::Status settled = co_await Settle(fresh);
    static_cast<void>(settled);  // Told by health and metrics.
  }
  for (const RefusedTask& refused : change.refused) {
    parts_.log.Warning("pxe.task_refused", {{"task", refused.task_id}, {"reason", refused.reason}});
  }
  if (!change.added.empty()) pull_wake_.cancel();
  CountTasks();
  co_return change.refused;
}

asio::awaitable<void> BootDesk::PullImages() {
  for (;;) {
    const std::set<std::string> wanted = wanted_images_;
    for (const std::string& image_id : wanted) {
      const absl::Status status = co_await parts_.cache.PullImage(image_id);
      if (status.ok()) {
        wanted_images_.erase(image_id);
      } else {
        parts_.log.Warning("pxe.image_not_ordered",
                           {{"image", image_id}, {"reason", std::string(status.message())}});
      }
    }
    co_await TellNeededImages();
    const bool settled = wanted_images_.empty() && needed_told_;
    pull_wake_.expires_after(
        absl::ToChronoNanoseconds(settled ? absl::Hours(1) : limits::kPullRetry));
    co_await pull_wake_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

void BootDesk::CheckDeadlines() {
  for (const TrackedTask& task : table_.Expire(Now(), BackendNow())) {
    const std::string& why = task.progress.message();
    if (task.progress.status() == task::v1::TASK_STATUS_FAILED) Alert(task, "deadline", why);
    Ended(boots_.Close(task.mac, why, task.progress.status() == task::v1::TASK_STATUS_COMPLETE,
                       Now()));
    SettleLater(task);
  }
  Ended(boots_.CloseSilent(Now()));
}

asio::awaitable<void> BootDesk::WatchDeadlines() {
  boost::system::error_code error;
  while (!error) {
    CheckDeadlines();
    deadline_timer_.expires_after(absl::ToChronoNanoseconds(limits::kDeadlineCheck));
    std::tie(error) = co_await deadline_timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

void BootDesk::Alert(const TrackedTask& task, std::string_view kind, std::string_view sentence) {
  parts_.metrics.Alert(kind);
  parts_.log.Warning("pxe.alert", {{"task", task.task.id()},
                                   {"mac", task.mac.ToString()},
                                   {"kind", kind},
                                   {"reason", sentence}});
  Timeline(task, "alert", sentence);
}

asio::awaitable<void> BootDesk::TellNeededImages() {
  if (needed_told_) co_return;
  const std::set<std::string> needed = needed_images_;
  const absl::Status status = co_await parts_.cache.KeepImages(needed);
  needed_told_ = status.ok() && needed == needed_images_;
}

void BootDesk::NoteNeededImages() {
  std::set<std::string> needed;
  for (const auto& [mac, task] : table_.tasks()) {
    // Some systems are installed from the net, without an image.
    if (IsOpen(task.progress.status()) && !task.task.image_id().empty())
      needed.insert(task.task.image_id());
  }
  if (needed == needed_images_) return;
  needed_images_ = std::move(needed);
  needed_told_ = false;
  pull_wake_.cancel();
}

void BootDesk::Timeline(const TrackedTask& task, std::string_view step, std::string_view detail) {
  boots_.Note(task.mac, task.task.id(), task.task.hostname(), step, detail, Now());
  PublishStep(task.task.id(), step, detail);
  KeepBootsLater();
}

void BootDesk::PublishStep(std::string_view task_id,
                           std::string_view step,
                           std::string_view detail) {
  const absl::Time now = Now();
  parts_.events.Publish(events::MakeEvent("task.timeline", std::string(task_id), PRIORITY_RESULT,
                                          TimelineBody(task_id, step, detail, now), now));
}

void BootDesk::Ended(const std::vector<BootRecord>& boots) {
  const absl::Time now = Now();
  for (const BootRecord& boot : boots) {
    parts_.metrics.BootEnded(boot.complete ? "complete" : "stopped");
    parts_.log.Info("pxe.boot_ended",
                    {{"task", boot.task_id},
                     {"mac", boot.mac.ToString()},
                     {"complete", boot.complete},
                     {"seconds", absl::ToDoubleSeconds(boot.ended - boot.started())},
                     {"verdict", boot.verdict}});
    if (!boot.complete) PublishStep(boot.task_id, "verdict", boot.verdict);
    parts_.events.Publish(
        events::MakeEvent("boot.record", boot.task_id, PRIORITY_RESULT, BootRecordBody(boot), now));
  }
  if (!boots.empty()) KeepBootsLater();
}

void BootDesk::CountTasks() {
  std::map<std::string, std::size_t> counts;
  for (const char* status : {"waiting", "booting", "installing", "complete", "failed", "cancelled"})
    counts[status] = 0;
  for (const auto& [mac, task] : table_.tasks()) {
    ++counts[std::string(backend_link::StatusName(task.progress.status()))];
  }
  parts_.metrics.Tasks(counts);
  NoteNeededImages();
}

asio::awaitable<void> BootDesk::Tell(wire::MacAddress mac, std::string message) {
  if (!table_.SetMessage(mac, message, Now())) co_return;
  const TrackedTask task = *table_.Find(mac);
  parts_.log.Warning("pxe.task_waits",
                     {{"task", task.task.id()}, {"mac", mac.ToString()}, {"reason", message}});
  const absl::Status settled = co_await Settle(task);
  static_cast<void>(settled);  // Told by health and metrics.
}

}  // namespace tentacle::pxe
