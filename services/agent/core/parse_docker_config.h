// /var/lib/docker/containers/<id>/config.v2.json -> a container.
#pragma once

#include <optional>
#include <string_view>

#include "services/agent/core/host_details.h"

namespace tentacle::agent {

// Nothing when it is not what Docker writes.
std::optional<Container> ParseDockerConfig(std::string_view json);

}  // namespace tentacle::agent
