// From argv to the first await, and the orderly way down.
#pragma once

#include <string>
#include <vector>

#include "libs/runtime/host.h"

namespace tentacle::runtime {

// `args` without the program name. Exit codes: 0 stopped in order, 64 usage, 69 something needed is
// unavailable, 70 a bug, 78 configuration.
int ServiceMain(const std::vector<std::string>& args, const ServiceSpec& spec);

}  // namespace tentacle::runtime
