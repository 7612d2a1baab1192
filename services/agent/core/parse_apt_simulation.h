// What `apt-get -s upgrade` prints -> the updates that wait.
#pragma once

#include <string_view>
#include <vector>

#include "services/agent/core/host_details.h"

namespace tentacle::agent {

// Its lines "Inst name [installed] (candidate origin [architecture])"; the others are for people.
std::vector<PendingUpdate> ParseAptSimulation(std::string_view text);

}  // namespace tentacle::agent
