// /proc/loadavg -> the load of the last minute.
#pragma once

#include <string_view>

#include <absl/status/statusor.h>

namespace tentacle::agent {

absl::StatusOr<double> ParseLoadAvg(std::string_view text);

}  // namespace tentacle::agent
