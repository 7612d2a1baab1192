// What is known of a job, and how it is written down.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "libs/backend_link/job.h"
#include "services/agent/core/job_end.h"
#include "services/agent/core/job_state.h"

namespace tentacle::agent {

using JobRequest = backend_link::Job;

struct JobRecord {
  JobRequest request;          // Only its id is kept when the job has ended.
  std::uint64_t sequence = 0;  // Order of acceptance.
  JobState state = JobState::kQueued;
  std::uint32_t attempt = 0;                 // Attempts that have begun.
  absl::Time due_at = absl::InfinitePast();  // Not begun before: its schedule, or a retry.
  absl::Time accepted_at = absl::UnixEpoch();
  absl::Time started_at = absl::UnixEpoch();  // UnixEpoch: not yet.
  absl::Time ended_at = absl::UnixEpoch();
  int exit_code = kNoExitCode;
  std::uint64_t stdout_bytes = 0;
  std::uint64_t stderr_bytes = 0;
  std::string reason;     // One sentence; empty when it succeeded.
  bool reported = false;  // Its result is in the event log.

  static constexpr int kNoExitCode = -1;  // There was no process, or its end is not known.
};

struct JobOutputs {
  std::string stdout_tail;
  std::string stderr_tail;
};

// Moves the state along the table; false and no change when the event means nothing in it.
[[nodiscard]] bool Advance(JobRecord& record, JobEvent event);

// Ends a job; its other changes of state are its start and a retry. False and no change when the
// event leads to no end.
[[nodiscard]] bool EndJob(JobRecord& record, const JobVerdict& verdict, absl::Time now);

std::string EncodeJob(const JobRecord& record);
// DataLoss when it is not what EncodeJob wrote.
absl::StatusOr<JobRecord> DecodeJob(std::string_view text);

// The body of a job.status.
std::string JobStatusJson(const JobRecord& record);
// The body of a job.result (docs/protocol.md section 3).
std::string JobResultJson(const JobRecord& record, const JobOutputs& outputs);

}  // namespace tentacle::agent
