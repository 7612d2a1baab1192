// `probe SERVICE`: exit code 0 when the service says it is serving.
#pragma once

#include <string>
#include <vector>

namespace tentacle::cli {
int Probe(const std::vector<std::string>& args);
}  // namespace tentacle::cli
