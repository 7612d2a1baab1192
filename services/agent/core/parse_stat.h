// /proc/stat -> time spent by all processors together.
#pragma once

#include <cstdint>
#include <string_view>

#include <absl/status/statusor.h>

namespace tentacle::agent {

// In ticks since boot. Waiting for I/O counts as idle.
struct CpuTimes {
  std::uint64_t idle = 0;
  std::uint64_t total = 0;
};

absl::StatusOr<CpuTimes> ParseStat(std::string_view text);

}  // namespace tentacle::agent
