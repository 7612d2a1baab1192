// `all`: the five services on one host, each its own process.
#pragma once

#include <string>
#include <vector>

namespace tentacle::cli {
int Supervise(const std::vector<std::string>& args);
}  // namespace tentacle::cli
