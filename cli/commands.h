// The verbs of octofleet-tentacle.
#pragma once

#include <string>
#include <vector>

#include "libs/runtime/host.h"

namespace tentacle::cli {

// args[0] is the program. Exit codes of sysexits(3).
int Main(const std::vector<std::string>& args);

// The five services in the order in which `all` starts them.
const std::vector<const runtime::ServiceSpec*>& Services();

// Folders, from --state-dir/--run-dir, TENTACLE_STATE_DIR/TENTACLE_RUN_DIR or the defaults.
runtime::Paths DefaultPaths();

}  // namespace tentacle::cli
