#include "services/agent/update_guard.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "services/agent/limits.h"

namespace tentacle::agent {

namespace {

GuardReport ReportOf(const UpdateRecord& record) {
  GuardReport report;
  report.step = record.step;
  report.slot = LinksOf(record).current;
  report.reason = record.reason;
  if (record.step == UpdateStep::kProbation) report.deadline = record.deadline;
  return report;
}

// Somebody may have changed it since it was verified, or a disk.
bool IsWhatWasVerified(const ReleaseFolder& folder, const UpdateRecord& record) {
  const UniqueFd file(
      ::open(folder.Executable(record.candidate.slot).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.get() < 0) return false;
  const auto sha256 = Sha256OfFile(file.get());
  return sha256.ok() && *sha256 == record.sha256;
}

}  // namespace

absl::StatusOr<GuardReport> GuardStart(const ReleaseFolder& folder, absl::Time now) {
  // Without a record there is nothing to guard; with one that is nonsense nobody knows what to do.
  const auto start = [&](UpdateRecord& record) {
    // Whatever is started now is the right one.
    const bool due = std::exchange(record.restart_due, false);
    if (!IsOnTrial(record.step)) return due;
    const bool whole = IsWhatWasVerified(folder, record);
    if (whole) {
      Advance(record, UpdateEvent::kStart, now);
    } else {
      Advance(record, UpdateEvent::kFail, now, "the new executable is no longer what was verified");
    }
    record.restart_due = false;
    return true;
  };
  const auto record = folder.Change("", start);
  if (absl::IsNotFound(record.status())) return GuardReport();
  if (!record.ok()) return record.status();
  return ReportOf(*record);
}

absl::StatusOr<GuardReport> WatchProbation(const ReleaseFolder& folder, const GuardWatch& watch) {
  // The clock may jump, and that must not make a probation longer.
  absl::Duration left = limits::kProbation;
  for (;;) {
    const auto record = folder.Read();
    if (absl::IsNotFound(record.status())) return GuardReport();
    if (!record.ok()) return record.status();
    if (record->step != UpdateStep::kProbation) {
      // A watch that was killed before it got to it, or a new release that failed itself.
      if (record->restart_due) {
        if (auto restarted = watch.restart(); !restarted.ok()) return restarted;
      }
      return ReportOf(*record);
    }
    const absl::Time now = watch.now();
    left = std::min(left, record->deadline - now);
    if (left > absl::ZeroDuration()) {
      watch.wait(left);
      left -= std::max(absl::ZeroDuration(), watch.now() - now);
      continue;
    }
    const auto expire = [&](UpdateRecord& current) {
      return current.step == UpdateStep::kProbation &&
             Advance(current, UpdateEvent::kFail, now, "the new release was not healthy in time");
    };
    const auto changed = folder.Change("", expire);
    if (!changed.ok()) return changed.status();
  }
}

void WaitForChange(const ReleaseFolder& folder, absl::Duration at_most) {
  const UniqueFd notices(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  const bool watched = notices.get() >= 0 &&
                       ::inotify_add_watch(notices.get(), folder.path().c_str(), IN_MOVED_TO) >= 0;
  // Not for ever: the record may have changed before the watch was there.
  const auto wait = std::min(at_most, watched ? absl::Seconds(5) : absl::Seconds(1));
  pollfd one{notices.get(), POLLIN, 0};
  ::poll(&one, watched ? 1 : 0, static_cast<int>(absl::ToInt64Milliseconds(wait)) + 1);
}

}  // namespace tentacle::agent
