#include "services/agent/core/job_end.h"

#include <fmt/format.h>

#include <string_view>

#include "services/agent/core/job_record.h"

namespace tentacle::agent {

namespace {

// signal(7), x86 and ARM; the numbers are the kernel's and do not change.
constexpr std::string_view kSignalNames[] = {
    "",       "SIGHUP",  "SIGINT",  "SIGQUIT", "SIGILL",  "SIGTRAP", "SIGABRT", "SIGBUS",
    "SIGFPE", "SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM",
};

std::string SignalText(int signal) {
  const auto index = static_cast<std::size_t>(signal);
  if (index < std::size(kSignalNames))
    return fmt::format("signal {} ({})", signal, kSignalNames[index]);
  return fmt::format("signal {}", signal);
}

std::string HowItEnded(const ProcessEnd& end) {
  if (!end.exited) return "it does not end although it was killed";
  if (end.signal != 0) return fmt::format("it was killed by {}", SignalText(end.signal));
  return fmt::format("it ended with exit code {}", end.exit_code);
}

}  // namespace

JobVerdict NotRun(JobEvent event, std::string_view reason) {
  return {event, JobRecord::kNoExitCode, std::string(reason)};
}

JobVerdict Judge(const ProcessEnd& end, absl::Duration timeout, bool out_of_memory) {
  constexpr int kSignalBase = 128;
  JobVerdict verdict;
  verdict.exit_code = end.signal != 0 ? kSignalBase + end.signal : end.exit_code;
  if (!end.exited) verdict.exit_code = JobRecord::kNoExitCode;
  switch (end.cause) {
    case ProcessEnd::Cause::kDeadline:
      verdict.event = JobEvent::kDeadline;
      verdict.reason = fmt::format("the script ran longer than {}; {}",
                                   absl::FormatDuration(timeout), HowItEnded(end));
      break;
    case ProcessEnd::Cause::kCancelled:
      verdict.event = JobEvent::kCancel;
      verdict.reason = fmt::format("the job was cancelled; {}", HowItEnded(end));
      break;
    case ProcessEnd::Cause::kByItself:
      if (end.signal == 0 && end.exit_code == 0) break;
      verdict.event = JobEvent::kExitNonZero;
      verdict.reason = end.signal != 0
                           ? fmt::format("the script was killed by {}", SignalText(end.signal))
                           : fmt::format("the script ended with exit code {}", end.exit_code);
      break;
  }
  if (out_of_memory && !verdict.reason.empty()) {
    verdict.reason += "; its memory was used up (limits.memoryBytes)";
  }
  return verdict;
}

bool MayRetry(const JobVerdict& verdict) {
  return verdict.event == JobEvent::kExitNonZero || verdict.event == JobEvent::kDeadline;
}

}  // namespace tentacle::agent
