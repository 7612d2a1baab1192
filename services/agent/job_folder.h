// The folder of a running job, <state>/agent/jobs/<id>/ of mode 0700: its script and its working
// directory. Everything here blocks.
#pragma once

#include <string>

#include <absl/status/statusor.h>

namespace tentacle::agent {

// Makes the folder anew and writes the script into it; returns the script's path. The id has passed
// IsJobId().
absl::StatusOr<std::string> MakeJobFolder(const std::string& jobs_dir,
                                          const std::string& id,
                                          const std::string& script);

// Removes the folder of one job, or of all with an empty id. What cannot be removed is tried again
// at the next start.
absl::Status RemoveJobFolder(const std::string& jobs_dir, const std::string& id);

}  // namespace tentacle::agent
