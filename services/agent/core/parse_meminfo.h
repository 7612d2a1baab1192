// /proc/meminfo -> memory.
#pragma once

#include <cstdint>
#include <string_view>

#include <absl/status/statusor.h>

namespace tentacle::agent {

struct Memory {
  std::uint64_t total_bytes = 0;
  std::uint64_t available_bytes = 0;
};

// InvalidArgument without a total. Kernels before 3.14 have no MemAvailable: free, buffers and
// cache are added up in its place.
absl::StatusOr<Memory> ParseMemInfo(std::string_view text);

}  // namespace tentacle::agent
