// `check-config`: config.yaml as the services will read it.
#pragma once

#include <string>
#include <vector>

namespace tentacle::cli {
int CheckConfig(const std::vector<std::string>& args);
}  // namespace tentacle::cli
