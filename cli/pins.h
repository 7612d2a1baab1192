// `octofleet-tentacle pins`: which keys of the backend are accepted, and the way out when none of
// them is right any more.
#pragma once

#include <string>
#include <vector>

namespace tentacle::cli {

int Pins(const std::vector<std::string>& args);

}  // namespace tentacle::cli
