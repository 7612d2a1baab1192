// Stands beside a release that has not proved itself: run from the executable that was healthy
// last, it decides at each start which release is started, and brings the old one back when the
// time is over, whatever the new one does or fails to do. Blocking; a process of its own.
#pragma once

#include <functional>
#include <string>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "services/agent/release_folder.h"

namespace tentacle::agent {

struct GuardReport {
  UpdateStep step = UpdateStep::kIdle;
  std::string slot;    // What is started.
  std::string reason;  // Of what was rolled back just now.
  // When it is on probation: until then.
  absl::Time deadline = absl::InfinitePast();
};

// Before each start of the services (ExecStartPre). Never a reason not to start: what cannot be
// read is left as it is.
absl::StatusOr<GuardReport> GuardStart(const ReleaseFolder& folder, absl::Time now);

// While a release is on probation: returns when it is over. OK with kCommitted, or with what it was
// rolled back to, after `restart` was called.
struct GuardWatch {
  std::function<absl::Time()> now;
  // Returns when the folder has changed or the time is over.
  std::function<void(absl::Duration at_most)> wait;
  std::function<absl::Status()> restart;
};

absl::StatusOr<GuardReport> WatchProbation(const ReleaseFolder& folder, const GuardWatch& watch);

// GuardWatch::wait by inotify(7).
void WaitForChange(const ReleaseFolder& folder, absl::Duration at_most);

}  // namespace tentacle::agent
