// Joining a backend: makes the key, exchanges the token for a node id, writes config.yaml.
#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>

#include "libs/runtime/host.h"

namespace tentacle::cli {

struct Enrollment {
  std::string backend_url;
  std::string token;
  std::string name;
  std::vector<std::string> pins;
  std::string ca_file;
};

// Leaves nothing behind when it fails: no key, no changed config.yaml. AlreadyExists when the
// tentacle belongs to a backend; Unauthenticated when the token is refused.
absl::Status EnrollAt(const runtime::Paths& paths,
                      const Enrollment& enrollment,
                      std::string* node_id);

// With OCTOFLEET_BACKEND and TENTACLE_TOKEN or TENTACLE_TOKEN_FILE set and no key there yet:
// enrolls, trying for as long as the backend cannot be reached. TENTACLE_TOKEN is gone from the
// environment afterwards. Returns an exit code, 0 when there is nothing to do.
int EnrollFromEnvironment(const runtime::Paths& paths);

int Enroll(const std::vector<std::string>& args);

}  // namespace tentacle::cli
