// Starts one program as it shall run: session, user, ceilings, working directory, three
// descriptors and nothing else of ours. Blocking; any thread.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "services/agent/core/user_ids.h"
#include "services/agent/host_space.h"
#include "services/agent/unique_fd.h"

namespace tentacle::agent {

// NotFound: the host has no such user.
absl::StatusOr<UserIds> FindUser(const std::string& name);

struct LaunchSpec {
  std::vector<std::string> argv;         // argv[0] is an absolute path; no PATH search.
  std::string program;                   // Executed instead of argv[0], which it sees all the same.
  std::vector<std::string> environment;  // All of it, "NAME=value".
  std::string working_dir = "/";
  std::optional<UserIds> user;            // Nothing: the agent's own.
  std::vector<std::string> cgroup_files;  // cgroup.procs files that the process enters first.
  // Whose namespaces it enters first, and then sees the paths above; null: the agent's own.
  HostSpacePtr host;
  std::size_t memory_bytes = 0;  // RLIMIT_AS, where no cgroup holds memory; 0: none.
  int input = -1;                // -1: /dev/null.
  int output = -1;
  int error = -1;
  bool controlling_terminal = false;  // `input` is one: the session gets it.
};

struct Launched {
  pid_t pid = -1;  // Leads a session and a process group of its own.
  UniqueFd pidfd;
};

// NotFound, PermissionDenied and their like when it cannot be executed; the message says which step
// failed. Signals are at their defaults in it, none is blocked.
absl::StatusOr<Launched> Launch(const LaunchSpec& spec);

}  // namespace tentacle::agent
