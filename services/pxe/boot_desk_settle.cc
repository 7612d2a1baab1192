// Of BootDesk: tasks are written down and told, in this order, and what comes of those that were
// cancelled meanwhile.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "libs/async/on_pool.h"
#include "services/pxe/boot_desk.h"
#include "services/pxe/reports.h"

namespace tentacle::pxe {

namespace {

namespace asio = boost::asio;
using event::v1::PRIORITY_RESULT;

}  // namespace

asio::awaitable<absl::Status> BootDesk::SaveFile(TrackedTask task) {
  const auto held = co_await file_turn_.Take();
  // The newest state there is, unless the task has gone meanwhile.
  const TrackedTask* current = table_.Find(task.mac);
  if (current == nullptr || current->task.id() != task.task.id()) co_return absl::OkStatus();
  auto save = [this, mac = task.mac, text = RenderTaskFile(*current)] {
    return parts_.files.Save(mac, text);
  };
  const absl::Status status = co_await async::OnPool(parts_.blocking, save);
  parts_.metrics.TaskFile(status.ok() ? "saved" : "save_failed");
  if (!status.ok()) {
    parts_.log.Error("pxe.task_file_failed",
                     {{"task", task.task.id()}, {"reason", std::string(status.message())}});
  }
  co_return status;
}

asio::awaitable<void> BootDesk::RemoveFile(wire::MacAddress mac) {
  const auto held = co_await file_turn_.Take();
  // A newer table may have brought the machine another task.
  if (table_.Find(mac) != nullptr) co_return;
  auto remove = [this, mac] { return parts_.files.Remove(mac); };
  const absl::Status status = co_await async::OnPool(parts_.blocking, remove);
  parts_.metrics.TaskFile(status.ok() ? "removed" : "remove_failed");
}

asio::awaitable<void> BootDesk::SettleCancelled(TrackedTask gone) {
  CountTasks();
  absl::Status saved;
  {
    const auto held = co_await file_turn_.Take();
    const TrackedTask* next = table_.Find(gone.mac);
    auto save = [this, mac = gone.mac, text = RenderTaskFile(next != nullptr ? *next : gone)] {
      return parts_.files.Save(mac, text);
    };
    saved = co_await async::OnPool(parts_.blocking, save);
    parts_.metrics.TaskFile(saved.ok() ? "saved" : "save_failed");
  }
  if (!saved.ok()) {
    parts_.log.Error("pxe.task_file_failed",
                     {{"task", gone.task.id()}, {"reason", std::string(saved.message())}});
    co_await RemoveFile(gone.mac);  // Takes no space.
  }
  const absl::Time now = Now();
  auto appended = co_await parts_.events.Append(events::MakeEvent(
      "task.status", gone.task.id(), PRIORITY_RESULT, StatusBody(gone, now), now));
  if (!appended.ok()) {
    parts_.log.Error(
        "pxe.cancellation_not_told",
        {{"task", gone.task.id()}, {"reason", std::string(appended.status().message())}});
  }
}

bool BootDesk::IsStillWanted(const TrackedTask& task) const {
  const TrackedTask* current = table_.Find(task.mac);
  return current != nullptr && current->task.id() == task.task.id() &&
         current->boot_number == task.boot_number;
}

asio::awaitable<absl::Status> BootDesk::Settle(TrackedTask task) {
  CountTasks();
  absl::Status saved = co_await SaveFile(task);
  co_await KeepBoots();
  // Cancelled meanwhile, and told so: nothing is said of it any more. What has ended by itself is.
  const TrackedTask* current = table_.Find(task.mac);
  const bool gone = current == nullptr || current->task.id() != task.task.id();
  if (gone && IsOpen(task.progress.status())) co_return saved;
  const absl::Time now = Now();
  auto appended = co_await parts_.events.Append(events::MakeEvent(
      "task.status", task.task.id(), PRIORITY_RESULT, StatusBody(task, now), now));
  saved.Update(appended.status());
  co_return saved;
}

void BootDesk::SettleLater(TrackedTask task) {
  auto settle = Settle(std::move(task));
  asio::co_spawn(parts_.home, std::move(settle), asio::detached);
}

asio::awaitable<absl::Status> BootDesk::SettleReport(TrackedTask task) {
  const absl::Status status = co_await Settle(task);
  // The installer goes on after a 204, and must not once its task was cancelled.
  if (status.ok() && IsOpen(task.progress.status()) && !IsStillWanted(task))
    co_return UnknownCallback();
  co_return status;
}

}  // namespace tentacle::pxe
