// The life of a job: queued -> running -> one of the six ends.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace tentacle::agent {

enum class JobState {
  kQueued,
  kRunning,
  kSucceeded,
  kFailed,
  kTimedOut,
  kCancelled,
  kInterrupted,
  kExpired
};

enum class JobEvent {
  kStart,         // Its turn has come; written down before the process exists.
  kRefuse,        // It may not or cannot be run.
  kExitZero,      // The script ended with 0.
  kExitNonZero,   // It ended with anything else, or by a signal that was not ours.
  kDeadline,      // It had to be stopped, for its time was over.
  kCancel,        // Somebody asked for its end.
  kAgentRestart,  // The agent was gone in between and has read the job from its store.
  kRetry,         // It failed and has attempts left.
  kExpire,        // Its time was over before its turn came.
};

inline constexpr std::array kJobStates = {
    JobState::kQueued,   JobState::kRunning,   JobState::kSucceeded,   JobState::kFailed,
    JobState::kTimedOut, JobState::kCancelled, JobState::kInterrupted, JobState::kExpired};
inline constexpr std::array kJobEvents = {
    JobEvent::kStart,        JobEvent::kRefuse,   JobEvent::kExitZero,
    JobEvent::kExitNonZero,  JobEvent::kDeadline, JobEvent::kCancel,
    JobEvent::kAgentRestart, JobEvent::kRetry,    JobEvent::kExpire};

// Nothing: the event means nothing in this state and the state stays as it is.
std::optional<JobState> NextState(JobState from, JobEvent on);

bool IsFinal(JobState state);

// As the wire and the store have them: "queued", "running", "succeeded", "failed", "timed_out",
// "cancelled", "interrupted", "expired".
std::string_view Name(JobState state);
std::optional<JobState> JobStateFromName(std::string_view name);
std::string_view Name(JobEvent event);

}  // namespace tentacle::agent
