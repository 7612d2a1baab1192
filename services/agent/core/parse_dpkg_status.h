// /var/lib/dpkg/status -> the installed packages.
#pragma once

#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "services/agent/core/inventory.h"

namespace tentacle::agent {

// Sorted by name. What is removed, half-installed or only configured is left out.
// InvalidArgument when there is text and no paragraph names a package.
absl::StatusOr<std::vector<Package>> ParseDpkgStatus(std::string_view text);

}  // namespace tentacle::agent
