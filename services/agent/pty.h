// A login shell at a pseudo-terminal. Blocking, but for the descriptor.
#pragma once

#include <cstdint>
#include <string>

#include <absl/status/statusor.h>

#include "services/agent/process_launch.h"

namespace tentacle::agent {

struct Pty {
  UniqueFd master;  // Non-blocking.
  Launched process;
};

// `session` becomes a variable of the shell's environment, by which its processes are found.
absl::StatusOr<Pty> OpenShell(const UserIds& user,
                              std::uint32_t columns,
                              std::uint32_t rows,
                              const std::string& session);

void ResizePty(int master, std::uint32_t columns, std::uint32_t rows);

}  // namespace tentacle::agent
