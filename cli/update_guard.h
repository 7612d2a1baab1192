// `update-guard`: what systemd runs beside a release that has not proved itself, from the
// executable that was healthy last.
#pragma once

#include <string>
#include <vector>

namespace tentacle::cli {

int UpdateGuard(const std::vector<std::string>& args);

}  // namespace tentacle::cli
