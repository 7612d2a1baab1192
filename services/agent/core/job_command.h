// What a job is, as the program that is executed. No shell is ever asked: what an order says
// becomes elements of argv, or is refused.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "libs/backend_link/job.h"

namespace tentacle::agent {

enum class PackageTool { kNone, kApt, kDnf };

struct JobCommand {
  std::vector<std::string> argv;                   // argv[0] is an absolute path.
  std::map<std::string, std::string> environment;  // Beside what every job gets.
};

// `script_path` is where the job's script lies. FailedPrecondition: this host has no such tool.
absl::StatusOr<JobCommand> CommandFor(const backend_link::Job& job,
                                      const std::string& script_path,
                                      PackageTool tool);

}  // namespace tentacle::agent
