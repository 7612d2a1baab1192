// A login shell at a pseudo-terminal. Blocking, but for the descriptor.
#pragma once

#include <cstdint>
#include <string>

#include <absl/status/statusor.h>

#include "services/agent/process_launch.h"

namespace tentacle::agent {

struct TerminalSize {
  std::uint32_t columns = 0;
  std::uint32_t rows = 0;
  bool operator==(const TerminalSize&) const = default;
};

struct Pty {
  UniqueFd master;  // Non-blocking.
  Launched process;
};

// On `host`. `session` becomes a variable of the shell's environment, by which its processes are
// found.
absl::StatusOr<Pty> OpenShell(const HostSpacePtr& host,
                              const UserIds& user,
                              TerminalSize size,
                              const std::string& session);

void ResizePty(int master, TerminalSize size);

TerminalSize SizeOfPty(int master);

}  // namespace tentacle::agent
