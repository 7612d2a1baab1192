#include "services/pxe/core/boot_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "libs/identity/identity.h"
#include "services/pxe/core/boot_kind.h"
#include "services/pxe/limits.h"

namespace tentacle::pxe {

namespace {

using task::v1::BootProgress;
using task::v1::BootTask;

void Touch(absl::Time now, BootProgress* progress) {
  progress->mutable_changed_at()->set_seconds(absl::ToUnixSeconds(now));
}

BootProgress Fresh(const std::string& task_id, absl::Time now) {
  BootProgress progress;
  progress.set_task_id(task_id);
  progress.set_status(task::v1::TASK_STATUS_WAITING);
  Touch(now, &progress);
  return progress;
}

// Why a task cannot be taken, or "".
std::string Objection(const BootTask& task) {
  if (task.id().empty()) return "the task has no id";
  if (!wire::ParseMac(task.mac()).ok())
    return fmt::format("\"{}\" is not a MAC address", task.mac());
  return KindObjection(task);
}

// What a stranger wrote, fit for one line on a page: no control characters, not cut within a
// character of UTF-8.
std::string OneLine(std::string text) {
  if (text.size() > limits::kMaxMessageBytes) {
    std::size_t end = limits::kMaxMessageBytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
      --end;
    text.resize(end);
  }
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return text;
}

BootStep StepOf(std::string_view event) {
  if (event == "done") return BootStep::kDone;
  if (event == "failed") return BootStep::kFailed;
  return BootStep::kReported;
}

}  // namespace

absl::Status UnknownCallback() {
  return absl::UnauthenticatedError("the callback token is not that of this task");
}

void BootTable::Restore(TrackedTask task) {
  tasks_[task.mac] = std::move(task);
}

Replacement BootTable::Replace(std::uint64_t revision,
                               const std::vector<BootTask>& tasks,
                               absl::Time now) {
  Replacement result;
  std::set<wire::MacAddress> named;
  for (const BootTask& task : tasks) {
    if (std::string reason = Objection(task); !reason.empty()) {
      result.refused.push_back({task.id(), std::move(reason)});
      continue;
    }
    const wire::MacAddress mac = *wire::ParseMac(task.mac());
    if (named.size() >= limits::kMaxTasks || !named.insert(mac).second) {
      result.refused.push_back(
          {task.id(), "another task has this MAC address, or there are too many"});
      continue;
    }
    const auto known = tasks_.find(mac);
    if (known != tasks_.end() && known->second.task.id() == task.id()) {
      if (task.relay() != known->second.task.relay()) result.role_changed.push_back(mac);
      known->second.task = task;
      known->second.has_secrets = true;
      continue;
    }
    TrackedTask fresh;
    fresh.mac = mac;
    fresh.task = task;
    fresh.progress = Fresh(task.id(), now);
    // What has ended stays as it ended.
    if (known != tasks_.end() && IsOpen(known->second.progress.status())) {
      result.cancelled.push_back(known->second);
    }
    tasks_[mac] = std::move(fresh);
    result.added.push_back(mac);
  }
  for (auto at = tasks_.begin(); at != tasks_.end();) {
    if (named.contains(at->first)) {
      ++at;
      continue;
    }
    if (IsOpen(at->second.progress.status())) result.cancelled.push_back(at->second);
    result.removed.push_back(at->first);
    at = tasks_.erase(at);
  }
  for (TrackedTask& gone : result.cancelled) {
    gone.progress.set_status(task::v1::TASK_STATUS_CANCELLED);
    Touch(now, &gone.progress);
  }
  revision_ = revision;
  return result;
}

const TrackedTask* BootTable::Find(const wire::MacAddress& mac) const {
  const auto at = tasks_.find(mac);
  return at == tasks_.end() ? nullptr : &at->second;
}

const TrackedTask* BootTable::FindById(std::string_view task_id) const {
  for (const auto& [mac, tracked] : tasks_) {
    if (tracked.task.id() == task_id) return &tracked;
  }
  return nullptr;
}

bool BootTable::NoteDiscover(const wire::MacAddress& mac, absl::Time now) {
  const auto at = tasks_.find(mac);
  if (at == tasks_.end()) return false;
  const bool new_boot = now - at->second.last_discover > limits::kSameBoot;
  at->second.last_discover = now;
  return new_boot;
}

const TrackedTask* BootTable::Step(const wire::MacAddress& mac, BootStep step, absl::Time now) {
  const auto at = tasks_.find(mac);
  if (at == tasks_.end()) return nullptr;
  TrackedTask& tracked = at->second;
  if (!NeedsNetworkBoot(tracked.progress)) return nullptr;
  const auto next = After(tracked.progress.status(), step);
  if (!next) return nullptr;
  // A script that is asked for again after its token was used up belongs to a machine that started
  // over.
  if (step == BootStep::kScriptFetched && tracked.redemption.times > 0) {
    ++tracked.boot_number;
    tracked.redemption = Redemption();
    tracked.answers.clear();
    tracked.progress.clear_stage();
    tracked.progress.set_percent(0);
    tracked.progress.set_message("the machine started over");
  }
  if (*next == tracked.progress.status()) return nullptr;
  tracked.progress.set_status(*next);
  Touch(now, &tracked.progress);
  return &tracked;
}

std::string BootTable::Token(std::string_view purpose, const TrackedTask& task) const {
  return identity::HmacSha256Hex(
             secret_, fmt::format("{}\n{}\n{}", purpose, task.task.id(), task.boot_number))
      .substr(0, limits::kTokenHexDigits);
}

std::string BootTable::BootToken(const TrackedTask& task) const {
  return Token("boot", task);
}

std::string BootTable::CallbackToken(const TrackedTask& task) const {
  return Token("callback", task);
}

OrdersVerdict BootTable::JudgeOrders(std::string_view token,
                                     std::string_view address,
                                     absl::Time now,
                                     const TrackedTask** task) const {
  *task = nullptr;
  for (const auto& [mac, tracked] : tasks_) {
    if (!NeedsNetworkBoot(tracked.progress)) continue;
    if (identity::ConstantTimeEquals(BootToken(tracked), token)) *task = &tracked;
  }
  if (*task == nullptr) return OrdersVerdict::kUnknownToken;
  const Redemption& used = (*task)->redemption;
  if (used.times == 0) return OrdersVerdict::kGranted;
  const bool again = used.address == address && used.times < limits::kMaxOrderFetches &&
                     now - used.first <= limits::kOrderWindow;
  return again ? OrdersVerdict::kGranted : OrdersVerdict::kUsedUp;
}

const TrackedTask* BootTable::Redeem(const wire::MacAddress& mac,
                                     std::string_view address,
                                     absl::Time now) {
  const auto at = tasks_.find(mac);
  if (at == tasks_.end()) return nullptr;
  TrackedTask& tracked = at->second;
  if (tracked.redemption.times == 0) tracked.redemption = {std::string(address), 0, now};
  ++tracked.redemption.times;
  if (const auto next = After(tracked.progress.status(), BootStep::kOrdersRedeemed)) {
    tracked.progress.set_status(*next);
    tracked.progress.clear_message();
    Touch(now, &tracked.progress);
  }
  return &tracked;
}

absl::Status BootTable::Apply(std::string_view task_id,
                              std::string_view token,
                              const Report& report,
                              absl::Time now,
                              const TrackedTask** changed) {
  *changed = nullptr;
  const auto is_task = [&](const auto& entry) { return entry.second.task.id() == task_id; };
  const auto at = std::find_if(tasks_.begin(), tasks_.end(), is_task);
  if (at == tasks_.end() || !identity::ConstantTimeEquals(CallbackToken(at->second), token))
    return UnknownCallback();
  TrackedTask& tracked = at->second;
  const auto stage = FindStage(report.event);
  if (!stage)
    return absl::InvalidArgumentError(fmt::format("\"{}\" is no installer event", report.event));
  const auto next = After(tracked.progress.status(), StepOf(report.event));
  if (!next) {
    // The answer to an earlier try was lost: what was asked for is so already.
    if (tracked.progress.stage() == report.event) return absl::OkStatus();
    return absl::FailedPreconditionError(fmt::format("the task is {}, it takes no \"{}\"",
                                                     static_cast<int>(tracked.progress.status()),
                                                     report.event));
  }
  // Progress is posted in the background and may arrive late. A stage never goes back within a
  // boot: a machine whose disk is written would be installed once more.
  const auto current = FindStage(tracked.progress.stage());
  if (current && stage->rank < current->rank) return absl::OkStatus();
  const unsigned percent = std::min(report.percent.value_or(stage->percent), 100u);
  BootProgress& progress = tracked.progress;
  progress.set_status(*next);
  progress.set_stage(report.event);
  if (*next != task::v1::TASK_STATUS_FAILED) progress.set_percent(percent);
  progress.set_message(OneLine(report.error.empty() ? report.message : report.error));
  Touch(now, &progress);
  *changed = &tracked;
  return absl::OkStatus();
}

bool BootTable::SetMessage(const wire::MacAddress& mac,
                           const std::string& message,
                           absl::Time now) {
  const auto at = tasks_.find(mac);
  if (at == tasks_.end() || at->second.progress.message() == message) return false;
  at->second.progress.set_message(message);
  Touch(now, &at->second.progress);
  return true;
}

}  // namespace tentacle::pxe
