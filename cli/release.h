// `release`: makes, signs and checks releases of the tentacle itself, and lays out the folder that
// they are installed in.
#pragma once

#include <string>
#include <vector>

namespace tentacle::cli {

int Release(const std::vector<std::string>& args);

}  // namespace tentacle::cli
