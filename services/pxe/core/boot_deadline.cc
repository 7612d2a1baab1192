#include "services/pxe/core/boot_deadline.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "services/pxe/core/boot_kind.h"
#include "services/pxe/limits.h"

namespace tentacle::pxe {

namespace {

struct StageLimit {
  std::string_view stage;
  absl::Duration ours;  // The ramdisk reports every few per cent of an image.
  // Installers of others say nothing between their first and their last steps.
  absl::Duration theirs;
};

// clang-format off
constexpr std::array<StageLimit, 7> kStageLimits = {{
    {"",             absl::Minutes(30), absl::Hours(1)},
    {"booted",       absl::Minutes(30), absl::Hours(3)},
    {"downloading",  absl::Hours(1),    absl::Hours(6)},
    {"partitioning", absl::Hours(1),    absl::Hours(1)},
    {"applying",     absl::Minutes(30), absl::Hours(2)},
    {"configuring",  absl::Hours(1),    absl::Hours(2)},
    {"firstboot",    absl::Hours(1),    absl::Hours(2)},
}};

// clang-format on

absl::Duration LimitOf(const TrackedTask& task) {
  const bool ours = task.task.os_type() == "linux-image";
  for (const StageLimit& limit : kStageLimits) {
    if (limit.stage == task.progress.stage()) return ours ? limit.ours : limit.theirs;
  }
  return absl::InfiniteDuration();
}

std::string For(absl::Duration duration) {
  return absl::FormatDuration(absl::Trunc(duration, absl::Minutes(1)));
}

}  // namespace

std::optional<DeadlineVerdict> DeadlineOf(const TrackedTask& task,
                                          absl::Time now,
                                          std::optional<absl::Time> backend_now) {
  const auto status = task.progress.status();
  if (!IsOpen(status)) return std::nullopt;
  if (task.task.has_deadline() && backend_now) {
    const absl::Time deadline = absl::FromUnixSeconds(task.task.deadline().seconds());
    // What is being written is let go on: half an installation helps nobody.
    if (*backend_now > deadline && status != task::v1::TASK_STATUS_INSTALLING) {
      return DeadlineVerdict{BootStep::kExpired,
                             "the task's deadline has passed before the machine was installed"};
    }
  }
  const absl::Time changed = absl::FromUnixSeconds(task.progress.changed_at().seconds());
  const absl::Duration silent = now - std::max(changed, task.watched_since);
  if (status == task::v1::TASK_STATUS_BOOTING) {
    const auto kind = KindOf(task.task.os_type());
    if (kind && !HasInstaller(*kind) && now - task.script_at > limits::kSameBoot &&
        task.boots > 0) {
      return DeadlineVerdict{BootStep::kHandedOver, "the machine has been handed over"};
    }
    const absl::Time begun = std::max(task.script_at, now - silent);
    if (now - begun <= limits::kBootPatience) return std::nullopt;
    return DeadlineVerdict{BootStep::kStalled,
                           fmt::format("the machine booted but its installer has not asked for "
                                       "anything for {}; it may begin anew",
                                       For(now - begun))};
  }
  if (status == task::v1::TASK_STATUS_INSTALLING && silent > LimitOf(task)) {
    const std::string& stage = task.progress.stage();
    return DeadlineVerdict{
        BootStep::kExpired,
        fmt::format("nothing has been heard for {} since {}", For(silent),
                    stage.empty() ? "the installer was told what to do"
                                  : fmt::format("\"{}\" at {} %", stage, task.progress.percent()))};
  }
  return std::nullopt;
}

}  // namespace tentacle::pxe
