#include "services/agent/core/job_state.h"

namespace tentacle::agent {

namespace {

struct Transition {
  JobState from;
  JobEvent on;
  JobState to;
};

// clang-format off
constexpr Transition kTransitions[] = {
    // from               on                        to
    {JobState::kQueued,   JobEvent::kStart,         JobState::kRunning},
    {JobState::kQueued,   JobEvent::kRefuse,        JobState::kFailed},
    {JobState::kQueued,   JobEvent::kCancel,        JobState::kCancelled},
    {JobState::kQueued,   JobEvent::kAgentRestart,  JobState::kQueued},  // Never ran, still will.
    {JobState::kQueued,   JobEvent::kExpire,        JobState::kExpired},
    {JobState::kRunning,  JobEvent::kRetry,         JobState::kQueued},
    {JobState::kRunning,  JobEvent::kRefuse,        JobState::kFailed},  // No process was made.
    {JobState::kRunning,  JobEvent::kExitZero,      JobState::kSucceeded},
    {JobState::kRunning,  JobEvent::kExitNonZero,   JobState::kFailed},
    {JobState::kRunning,  JobEvent::kDeadline,      JobState::kTimedOut},
    {JobState::kRunning,  JobEvent::kCancel,        JobState::kCancelled},
    {JobState::kRunning,  JobEvent::kAgentRestart,  JobState::kInterrupted},
};

// clang-format on

struct StateName {
  JobState state;
  std::string_view name;
};

constexpr StateName kStateNames[] = {
    {JobState::kQueued, "queued"},           {JobState::kRunning, "running"},
    {JobState::kSucceeded, "succeeded"},     {JobState::kFailed, "failed"},
    {JobState::kTimedOut, "timed_out"},      {JobState::kCancelled, "cancelled"},
    {JobState::kInterrupted, "interrupted"}, {JobState::kExpired, "expired"},
};

}  // namespace

std::optional<JobState> NextState(JobState from, JobEvent on) {
  for (const auto& row : kTransitions) {
    if (row.from == from && row.on == on) return row.to;
  }
  return std::nullopt;
}

bool IsFinal(JobState state) {
  return state != JobState::kQueued && state != JobState::kRunning;
}

std::string_view Name(JobState state) {
  for (const auto& row : kStateNames) {
    if (row.state == state) return row.name;
  }
  return "";
}

std::optional<JobState> JobStateFromName(std::string_view name) {
  for (const auto& row : kStateNames) {
    if (row.name == name) return row.state;
  }
  return std::nullopt;
}

std::string_view Name(JobEvent event) {
  switch (event) {
    case JobEvent::kStart:
      return "start";
    case JobEvent::kRefuse:
      return "refuse";
    case JobEvent::kExitZero:
      return "exit_zero";
    case JobEvent::kExitNonZero:
      return "exit_non_zero";
    case JobEvent::kDeadline:
      return "deadline";
    case JobEvent::kCancel:
      return "cancel";
    case JobEvent::kAgentRestart:
      return "agent_restart";
    case JobEvent::kRetry:
      return "retry";
    case JobEvent::kExpire:
      return "expire";
  }
  return "";
}

}  // namespace tentacle::agent
