// `podman ps --all --format json` -> the containers of root.
#pragma once

#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "services/agent/core/host_details.h"

namespace tentacle::agent {

// In the order of the list. InvalidArgument: it is no list.
absl::StatusOr<std::vector<Container>> ParsePodmanList(std::string_view json);

}  // namespace tentacle::agent
