// /proc/cpuinfo -> the processor.
#pragma once

#include <string_view>

#include <absl/status/statusor.h>

#include "services/agent/core/inventory.h"

namespace tentacle::agent {

// InvalidArgument when no processor is listed.
absl::StatusOr<Cpu> ParseCpuInfo(std::string_view text);

}  // namespace tentacle::agent
