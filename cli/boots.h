// `octofleet-tentacle boots`: what machines went through when they booted, and where one stopped.
#pragma once

#include <string>
#include <vector>

namespace tentacle::cli {

int Boots(const std::vector<std::string>& args);

}  // namespace tentacle::cli
