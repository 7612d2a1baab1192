// `status`: the link, the services, tasks and images on one screen.
#pragma once

#include <string>
#include <vector>

namespace tentacle::cli {
int Status(const std::vector<std::string>& args);
}  // namespace tentacle::cli
