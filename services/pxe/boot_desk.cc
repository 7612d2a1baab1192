#include "services/pxe/boot_desk.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "libs/async/on_pool.h"
#include "libs/backend_link/messages.h"
#include "libs/text/view.h"
#include "services/pxe/core/ipxe_script.h"
#include "services/pxe/core/orders.h"
#include "services/pxe/limits.h"
#include "services/pxe/reports.h"

namespace tentacle::pxe {

namespace {

namespace asio = boost::asio;
using event::v1::PRIORITY_RESULT;

std::string BaseUrl(const std::string& ip, std::uint16_t port) { return fmt::format("http://{}:{}", ip, port); }

}  // namespace

BootDesk::BootDesk(Parts parts)
    : parts_(std::move(parts)), table_(parts_.secret), file_turn_(parts_.home), pull_wake_(parts_.home) {}

absl::Status BootDesk::Restore() {
  auto loaded = parts_.files.Load();
  if (!loaded.ok()) return loaded.status();
  for (const std::string& what : loaded->quarantined) {
    parts_.metrics.TaskFile("quarantined");
    parts_.log.Error("pxe.task_file_corrupt", {{"reason", what}});
  }
  for (TrackedTask& task : loaded->tasks) {
    if (IsOpen(task.progress.status())) wanted_images_.insert(task.task.image_id());
    table_.Restore(std::move(task));
  }
  CountTasks();
  parts_.log.Info("pxe.tasks_restored", {{"tasks", loaded->tasks.size()}});
  return absl::OkStatus();
}

std::optional<DropReason> BootDesk::Admit(const BootRequest& boot) const { return Admit(boot.mac); }

std::optional<DropReason> BootDesk::Admit(const wire::MacAddress& mac) const {
  if (!enabled_) return DropReason::kDisabled;
  const TrackedTask* task = table_.Find(mac);
  if (task == nullptr) return DropReason::kNotOurs;
  if (!NeedsNetworkBoot(task->progress)) return DropReason::kNotWaiting;
  return std::nullopt;
}

void BootDesk::Answered(const BootRequest& boot, DhcpPort port, std::string_view file) {
  const absl::Time now = parts_.clock.Now();
  const TrackedTask* task = table_.Find(boot.mac);
  if (task == nullptr) return;
  const bool offer = port == DhcpPort::kDhcp;
  parts_.log.Info(offer ? "pxe.offer_sent" : "pxe.boot_server_answered",
                  {{"task", task->task.id()}, {"mac", boot.mac.ToString()}, {"arch", boot.arch.name}, {"file", file}});
  const std::string who = boot.ipxe ? "iPXE" : std::string(boot.arch.name);
  const bool new_boot = offer && table_.NoteDiscover(boot.mac, now);
  if (new_boot) {
    parts_.events.Publish(events::MakeEvent(
        "boot.detected", task->task.id(), PRIORITY_RESULT, BootBody(boot, task->task.id(), "", now), now));
  }
  // Firmware repeats its DISCOVER; one line per boot and speaker is enough.
  if (new_boot || !offer || boot.ipxe) {
    Timeline(*task, offer ? "offer" : "boot-server", fmt::format("{} was offered {}", who, file));
  }
}

void BootDesk::LoaderSent(const wire::MacAddress& mac, std::string_view file, absl::Duration took) {
  const TrackedTask* task = table_.Find(mac);
  if (task == nullptr || !NeedsNetworkBoot(task->progress)) return;
  Timeline(*task, "tftp", fmt::format("{} in {:.1f} s", file, absl::ToDoubleSeconds(took)));
  if (const TrackedTask* changed = table_.Step(mac, BootStep::kLoaderFetched, parts_.clock.Now())) {
    SettleLater(*changed);
  }
}

void BootDesk::Note(const wire::MacAddress& mac, std::string_view step, std::string_view detail) {
  if (const TrackedTask* task = table_.Find(mac)) Timeline(*task, step, detail);
}

std::optional<std::string> BootDesk::Script(const wire::MacAddress& mac,
                                            const std::string& our_ip,
                                            std::uint16_t http_port,
                                            bool boots) {
  const TrackedTask* task = table_.Find(mac);
  if (!enabled_ || task == nullptr || !NeedsNetworkBoot(task->progress)) return std::nullopt;
  if (boots) {
    if (const TrackedTask* changed = table_.Step(mac, BootStep::kScriptFetched, parts_.clock.Now())) {
      SettleLater(*changed);
    }
    Timeline(*task, "script", "iPXE fetched its script");
  }
  parts_.log.Info("pxe.script_served", {{"task", task->task.id()}, {"mac", mac.ToString()}, {"boots", boots}});
  return InstallerScript(BaseUrl(our_ip, http_port), mac, table_.BootToken(*task));
}

OrdersRefusal BootDesk::RefuseOrders(OrdersVerdict verdict, const std::string& address) {
  const bool used = verdict == OrdersVerdict::kUsedUp;
  parts_.metrics.Orders(used ? "used_up" : "unknown_token");
  parts_.log.Warning("pxe.orders_refused", {{"address", address}, {"reason", used ? "used up" : "unknown token"}});
  if (used) return {410, "these orders have been fetched already; restart the machine to begin anew"};
  return {403, "no open task has this token; restart the machine to begin anew"};
}

asio::awaitable<std::variant<std::string, OrdersRefusal>> BootDesk::Orders(std::string token,
                                                                           std::string address,
                                                                           std::string our_ip,
                                                                           std::uint16_t http_port) {
  const TrackedTask* task = nullptr;
  OrdersVerdict verdict = table_.JudgeOrders(token, address, parts_.clock.Now(), &task);
  if (verdict != OrdersVerdict::kGranted) co_return RefuseOrders(verdict, address);
  const wire::MacAddress mac = task->mac;
  const std::string image_id = task->task.image_id();
  const auto image = co_await parts_.cache.GetImage(image_id);
  std::string problem;
  if (!image.ok()) {
    problem = fmt::format("the image cannot be served yet: {}", text::Message(image.status()));
  } else if (image->image().state() == cache::v1::IMAGE_STATE_FAILED) {
    problem = fmt::format("the image cannot be served: {}", image->image().reason());
  }
  if (!problem.empty()) {
    parts_.metrics.Orders("image_unavailable");
    co_await Tell(mac, problem);
    co_return OrdersRefusal{503, problem};
  }
  // Judged anew: while the cache was asked somebody else may have used the token, or the machine started over.
  verdict = table_.JudgeOrders(token, address, parts_.clock.Now(), &task);
  if (verdict != OrdersVerdict::kGranted) co_return RefuseOrders(verdict, address);
  const TrackedTask granted = *table_.Redeem(mac, address, parts_.clock.Now());  // The table may change while this is written down.
  if (absl::Status status = co_await Settle(granted); !status.ok()) {
    parts_.metrics.Orders("not_durable");
    co_return OrdersRefusal{503, std::string(status.message())};
  }
  parts_.metrics.Orders("granted");
  parts_.log.Info("pxe.orders_given", {{"task", granted.task.id()}, {"mac", mac.ToString()}, {"address", address}});
  Timeline(granted, "orders", fmt::format("given to {}", address));
  Timeline(granted, "image", fmt::format("{} from the cache", image->image().name()));
  OrderContext context;
  context.callback_token = table_.CallbackToken(granted);
  context.callback_url =
      fmt::format("{}/api/v1/provisioning/tasks/{}/events", BaseUrl(our_ip, http_port), granted.task.id());
  const std::string image_base = BaseUrl(our_ip, static_cast<std::uint16_t>(image->http_port()));
  context.image = {fmt::format("{}/images/{}", image_base, image_id),
                   image->image().sha256(),
                   image->image().size_bytes(),
                   image->image().unpacked_size_bytes(),
                   image->image().format()};
  co_return RenderOrders(granted.task, context);
}

asio::awaitable<absl::Status> BootDesk::Report(std::string task_id, std::string token, pxe::Report report) {
  const TrackedTask* known = table_.FindById(task_id);
  const std::string stage_before = known == nullptr ? "" : known->progress.stage();
  const TrackedTask* changed = nullptr;
  absl::Status status = table_.Apply(task_id, token, report, parts_.clock.Now(), &changed);
  if (!status.ok()) {
    parts_.metrics.Callback(absl::IsUnauthenticated(status) ? "unauthenticated" : "refused");
    parts_.log.Warning("pxe.callback_refused", {{"task", task_id}, {"reason", std::string(status.message())}});
    co_return status;
  }
  if (changed == nullptr) {
    parts_.metrics.Callback("repeated");
    // The process may have been killed between the table and the log: what is answered 204 must be in both.
    const TrackedTask again = *table_.FindById(task_id);
    co_return co_await Settle(again);
  }
  const TrackedTask task = *changed;
  parts_.log.Info("pxe.installer_reported",
                  {{"task", task_id},
                   {"mac", task.mac.ToString()},
                   {"stage", report.event},
                   {"percent", task.progress.percent()},
                   {"message", task.progress.message()}});
  // Progress within a stage is not a step of its own.
  if (task.progress.stage() != stage_before) Timeline(task, report.event, task.progress.message());
  status = co_await Settle(task);
  parts_.metrics.Callback(status.ok() ? "taken" : "not_durable");
  co_return status;
}

asio::awaitable<std::vector<RefusedTask>> BootDesk::Replace(std::uint64_t revision,
                                                            std::vector<task::v1::BootTask> tasks) {
  const Replacement change = table_.Replace(revision, tasks, parts_.clock.Now());
  for (const TrackedTask& gone : change.cancelled) {
    const absl::Time now = parts_.clock.Now();
    parts_.log.Info("pxe.task_cancelled", {{"task", gone.task.id()}, {"mac", gone.mac.ToString()}});
    parts_.events.Publish(
        events::MakeEvent("task.status", gone.task.id(), PRIORITY_RESULT, StatusBody(gone, now), now));
  }
  for (const wire::MacAddress& mac : change.removed) {
    const auto held = co_await file_turn_.Take();
    auto remove = [this, mac] { return parts_.files.Remove(mac); };
    const absl::Status status = co_await async::OnPool(parts_.blocking, remove);
    parts_.metrics.TaskFile(status.ok() ? "removed" : "remove_failed");
  }
  for (const wire::MacAddress& mac : change.added) {
    const TrackedTask* task = table_.Find(mac);
    if (task == nullptr) continue;
    const TrackedTask fresh = *task;
    parts_.log.Info("pxe.task_taken", {{"task", fresh.task.id()}, {"mac", mac.ToString()}});
    wanted_images_.insert(fresh.task.image_id());
    co_await Settle(fresh);
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
        parts_.log.Warning("pxe.image_not_ordered", {{"image", image_id}, {"reason", std::string(status.message())}});
      }
    }
    pull_wake_.expires_after(absl::ToChronoNanoseconds(wanted_images_.empty() ? absl::Hours(1) : limits::kPullRetry));
    co_await pull_wake_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

void BootDesk::Timeline(const TrackedTask& task, std::string_view step, std::string_view detail) {
  const absl::Time now = parts_.clock.Now();
  parts_.events.Publish(events::MakeEvent(
      "task.timeline", task.task.id(), PRIORITY_RESULT, TimelineBody(task.task.id(), step, detail, now), now));
}

void BootDesk::CountTasks() {
  std::map<std::string, std::size_t> counts;
  for (const char* status : {"waiting", "booting", "installing", "complete", "failed", "cancelled"}) counts[status] = 0;
  for (const auto& [mac, task] : table_.tasks()) {
    ++counts[std::string(backend_link::StatusName(task.progress.status()))];
  }
  parts_.metrics.Tasks(counts);
}

asio::awaitable<absl::Status> BootDesk::SaveFile(TrackedTask task) {
  const auto held = co_await file_turn_.Take();
  // The newest state there is, unless the task has gone meanwhile.
  const TrackedTask* current = table_.Find(task.mac);
  if (current == nullptr || current->task.id() != task.task.id()) co_return absl::OkStatus();
  auto save = [this, mac = task.mac, text = RenderTaskFile(*current)] { return parts_.files.Save(mac, text); };
  const absl::Status status = co_await async::OnPool(parts_.blocking, save);
  parts_.metrics.TaskFile(status.ok() ? "saved" : "save_failed");
  if (!status.ok()) {
    parts_.log.Error("pxe.task_file_failed", {{"task", task.task.id()}, {"reason", std::string(status.message())}});
  }
  co_return status;
}

asio::awaitable<absl::Status> BootDesk::Settle(TrackedTask task) {
  CountTasks();
  absl::Status saved = co_await SaveFile(task);
  const absl::Time now = parts_.clock.Now();
  auto appended = co_await parts_.events.Append(
      events::MakeEvent("task.status", task.task.id(), PRIORITY_RESULT, StatusBody(task, now), now));
  saved.Update(appended.status());
  co_return saved;
}

void BootDesk::SettleLater(TrackedTask task) {
  auto settle = Settle(std::move(task));
  asio::co_spawn(parts_.home, std::move(settle), asio::detached);
}

asio::awaitable<void> BootDesk::Tell(wire::MacAddress mac, std::string message) {
  if (!table_.SetMessage(mac, message, parts_.clock.Now())) co_return;
  const TrackedTask task = *table_.Find(mac);
  parts_.log.Warning("pxe.task_waits", {{"task", task.task.id()}, {"mac", mac.ToString()}, {"reason", message}});
  co_await Settle(task);
}

}  // namespace tentacle::pxe
