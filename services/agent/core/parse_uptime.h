// /proc/uptime -> whole seconds since boot.
#pragma once

#include <cstdint>
#include <string_view>

#include <absl/status/statusor.h>

namespace tentacle::agent {

absl::StatusOr<std::uint64_t> ParseUptime(std::string_view text);

}  // namespace tentacle::agent
