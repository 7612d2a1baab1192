// /proc/net/route -> the address of the default gateway.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace tentacle::agent {

// Dotted; empty when there is none. Of several the one with the lowest metric.
// InvalidArgument when the file has no header.
absl::StatusOr<std::string> ParseDefaultGateway(std::string_view text);

}  // namespace tentacle::agent
