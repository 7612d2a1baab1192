// How a job's process ended -> the job's state, exit code and sentence.
#pragma once

#include <string>
#include <string_view>

#include <absl/time/time.h>

#include "services/agent/core/job_state.h"

namespace tentacle::agent {

struct ProcessEnd {
  enum class Cause { kByItself, kDeadline, kCancelled };
  Cause cause = Cause::kByItself;
  bool exited = false;  // False: it outlived SIGKILL (it hangs in the kernel).
  int exit_code = 0;
  int signal = 0;  // Not 0: it was killed by this one.
};

struct JobVerdict {
  JobEvent event = JobEvent::kExitZero;
  int exit_code = 0;  // 128 + signal for a killed one, as shells count.
  std::string reason;
};

inline constexpr std::string_view kCancelledBeforeStart = "the job was cancelled before it began";

// Of a job that had no process, or whose process nobody has seen ending.
JobVerdict NotRun(JobEvent event, std::string_view reason);

// `out_of_memory`: the kernel has killed something of it because its memory was used up.
JobVerdict Judge(const ProcessEnd& end, absl::Duration timeout, bool out_of_memory = false);

// What may be tried again: it failed or took too long, by itself.
bool MayRetry(const JobVerdict& verdict);

}  // namespace tentacle::agent
