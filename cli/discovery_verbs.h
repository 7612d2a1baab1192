// Operators' verbs about the segment: `scan`, `devices`, `wake`, `topology`. Each asks the
// discovery service on this host.
#pragma once

#include <string>
#include <vector>

namespace tentacle::cli {

int Scan(const std::vector<std::string>& args);
int Devices(const std::vector<std::string>& args);
int Wake(const std::vector<std::string>& args);
int PrintTopology(const std::vector<std::string>& args);

}  // namespace tentacle::cli
