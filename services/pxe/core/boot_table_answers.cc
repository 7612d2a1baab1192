// Of BootTable: answer files, loops, time that is over.
#include <fmt/format.h>

#include <algorithm>

#include "libs/identity/identity.h"
#include "services/pxe/core/boot_deadline.h"
#include "services/pxe/core/boot_kind.h"
#include "services/pxe/core/boot_table.h"
#include "services/pxe/limits.h"

namespace tentacle::pxe {

namespace {

void Touch(absl::Time now, task::v1::BootProgress* progress) {
  progress->mutable_changed_at()->set_seconds(absl::ToUnixSeconds(now));
}

bool IsSameMachine(const TrackedTask& task, const Asker& asker) {
  // The neighbour table knows better than an address: an installer may get another one than the
  // loader had.
  if (asker.mac) return *asker.mac == task.mac;
  return !task.boot_address.empty() && task.boot_address == asker.address;
}

}  // namespace

std::string BootTable::CheckMachine(const wire::MacAddress& mac, const MachineIdentity& seen) {
  const auto at = tasks_.find(mac);
  if (at == tasks_.end()) return "";
  TrackedTask& tracked = at->second;
  const auto& machine = tracked.task.machine();
  std::string objection = IdentityObjection(CleanIdentity(machine.uuid(), machine.serial()), seen);
  if (objection.empty()) objection = IdentityObjection(tracked.seen, seen);
  if (!objection.empty()) return objection;
  if (tracked.seen.uuid.empty()) tracked.seen.uuid = seen.uuid;
  if (tracked.seen.serial.empty()) tracked.seen.serial = seen.serial;
  return "";
}

bool BootTable::BeginBoot(const wire::MacAddress& mac, std::string_view address, absl::Time now) {
  const auto at = tasks_.find(mac);
  if (at == tasks_.end()) return false;
  TrackedTask& tracked = at->second;
  // iPXE asks again within seconds when an answer was lost, or when it could not load a file.
  // What lies ahead was noted by a clock that was set while we were away.
  const bool new_boot = tracked.redemption.times > 0 ||
                        now - tracked.script_at > limits::kSameBoot || tracked.script_at > now;
  if (now - tracked.loop_since > limits::kLoopWindow || tracked.loop_since > now) {
    tracked.loop_since = now;
    tracked.boots = 0;
  }
  if (new_boot) ++tracked.boots;
  tracked.boot_address = std::string(address);
  tracked.script_at = now;
  tracked.answers.clear();
  if (tracked.boots <= limits::kMaxBootsInWindow) return true;
  const auto next = After(tracked.progress.status(), BootStep::kLooped);
  if (!next) return true;
  tracked.progress.set_status(*next);
  tracked.progress.set_message(
      fmt::format("the machine started over {} times within {} and never finished", tracked.boots,
                  absl::FormatDuration(limits::kLoopWindow)));
  Touch(now, &tracked.progress);
  return false;
}

std::string BootTable::AnswerToken(const TrackedTask& task) const {
  return Token("answers", task);
}

std::string BootTable::Salt(const TrackedTask& task) const {
  return Token("salt", task).substr(0, 16);
}

AnswerVerdict BootTable::JudgeAnswer(std::string_view token,
                                     std::string_view name,
                                     const Asker& asker,
                                     absl::Time now,
                                     const TrackedTask** task) const {
  *task = nullptr;
  // Every task is compared, whichever it is: the time that an answer takes says nothing.
  for (const auto& [mac, tracked] : tasks_) {
    if (identity::ConstantTimeEquals(AnswerToken(tracked), token)) *task = &tracked;
  }
  if (*task == nullptr) return AnswerVerdict::kUnknownToken;
  const TrackedTask& tracked = **task;
  if (!NeedsNetworkBoot(tracked.progress)) return AnswerVerdict::kUsedUp;
  if (!IsSameMachine(tracked, asker)) return AnswerVerdict::kOtherMachine;
  const auto used = tracked.answers.find(std::string(name));
  if (used == tracked.answers.end()) {
    return now - tracked.script_at <= limits::kAnswerPatience ? AnswerVerdict::kGranted
                                                              : AnswerVerdict::kUsedUp;
  }
  const bool again = used->second.times < limits::kMaxAnswerFetches &&
                     now - used->second.first <= limits::kAnswerWindow;
  return again ? AnswerVerdict::kGranted : AnswerVerdict::kUsedUp;
}

const TrackedTask* BootTable::RedeemAnswer(const wire::MacAddress& mac,
                                           std::string_view name,
                                           std::string_view address,
                                           bool begins,
                                           absl::Time now) {
  const auto at = tasks_.find(mac);
  if (at == tasks_.end()) return nullptr;
  Redemption& used = at->second.answers[std::string(name)];
  if (used.times == 0) used = {std::string(address), 0, now};
  ++used.times;
  // The first fetch alone begins the installation; a repeated one changes nothing.
  if (begins && used.times == 1) return Redeem(mac, address, now);
  return &at->second;
}

void BootTable::ClockStepped(absl::Duration by) {
  // The infinite ones stay infinite.
  for (auto& [mac, tracked] : tasks_) {
    Touch(absl::FromUnixSeconds(tracked.progress.changed_at().seconds()) + by, &tracked.progress);
    tracked.redemption.first += by;
    tracked.last_discover += by;
    tracked.script_at += by;
    for (auto& [name, answer] : tracked.answers)
      answer.first += by;
    tracked.loop_since += by;
    tracked.watched_since += by;
  }
}

std::vector<TrackedTask> BootTable::Expire(absl::Time now, std::optional<absl::Time> backend_now) {
  std::vector<TrackedTask> changed;
  for (auto& [mac, tracked] : tasks_) {
    // Its owner judges it.
    if (tracked.task.relay() == task::v1::RELAY_ROLE_STANDBY) continue;
    const auto verdict = DeadlineOf(tracked, now, backend_now);
    if (!verdict) continue;
    const auto next = After(tracked.progress.status(), verdict->step);
    if (!next) continue;
    tracked.progress.set_status(*next);
    tracked.progress.set_message(verdict->sentence);
    if (verdict->step == BootStep::kHandedOver) {
      tracked.progress.set_stage("done");
      tracked.progress.set_percent(100);
    }
    Touch(now, &tracked.progress);
    changed.push_back(tracked);
  }
  return changed;
}

}  // namespace tentacle::pxe
