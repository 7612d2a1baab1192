// `octofleet-tentacle cache`: the images of this tentacle, for its operator.
#pragma once

#include <string>
#include <vector>

namespace tentacle::cli {

int Cache(const std::vector<std::string>& args);

}  // namespace tentacle::cli
