// Runs one of the host's own programs and takes what it prints, whole or not at all.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "services/agent/host_space.h"

namespace tentacle::agent {

struct HostTool {
  std::vector<std::string> argv;  // argv[0] is an absolute path.
  absl::Duration timeout = absl::Seconds(10);
  std::size_t max_bytes = 4 * 1024 * 1024;
  // Exit codes that are no failure; bits for smartctl(8), which reports in them.
  int allowed_exit_bits = 0;
  // Stop it when it has printed max_bytes, and take them up to the last line that is whole: it has
  // more than is wanted at once.
  bool first_bytes_only = false;
  HostSpacePtr host = nullptr;  // Whose program it is; null: where the agent is.
};

// NotFound: the program is not there. DeadlineExceeded: it hangs. ResourceExhausted: it prints too
// much. Internal: it failed.
boost::asio::awaitable<absl::StatusOr<std::string>> RunHostTool(boost::asio::any_io_executor home,
                                                                boost::asio::thread_pool& blocking,
                                                                HostTool tool);

}  // namespace tentacle::agent
