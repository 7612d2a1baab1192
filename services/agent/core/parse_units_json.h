// The answer of `systemctl list-units --type=service --output=json` -> the units.
#pragma once

#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "services/agent/core/inventory.h"

namespace tentacle::agent {

// Sorted by name. InvalidArgument when it is no JSON array; entries without a unit name are left
// out.
absl::StatusOr<std::vector<Unit>> ParseUnitsJson(std::string_view text);

}  // namespace tentacle::agent
