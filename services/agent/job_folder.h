// The folder of a running job, mode 0700: its script, its files, its working directory. Below
// <state>/agent/jobs, and below a folder that everybody may pass through for a job that runs as
// another user. Everything here blocks.
#pragma once

#include <optional>
#include <string>

#include <absl/status/statusor.h>

#include "libs/backend_link/job.h"
#include "services/agent/process_launch.h"

namespace tentacle::agent {

struct JobFolders {
  std::string own;    // <state>/agent/jobs: nobody else gets there.
  std::string users;  // For jobs of other users; mode 0711.

  const std::string& For(const std::optional<UserIds>& user) const { return user ? users : own; }
};

// Below a job's folder, mode 0700: a file of mode 0600 for each of its credentials.
inline constexpr char kCredentialsFolder[] = "/credentials";

// Makes the folder anew and fills it; returns its path. The id has passed IsJobId(). The script is
// <folder>/script.
absl::StatusOr<std::string> MakeJobFolder(const JobFolders& folders,
                                          const backend_link::Job& job,
                                          const std::optional<UserIds>& user);

// Removes the folder of one job, or of all with an empty id. What cannot be removed is tried again
// at the next start.
absl::Status RemoveJobFolder(const JobFolders& folders, const std::string& id);

}  // namespace tentacle::agent
