// The sources of the inventory's details: memory modules, buses, users, containers, what waits.
#pragma once

#include <string_view>
#include <vector>

#include <absl/status/status.h>

#include "services/agent/collectors.h"

namespace tentacle::agent {

struct CollectorRow {
  std::string_view name;
  // NotFound means that this machine has no such thing.
  absl::Status (*collect)(const RootFiles&, const HostSources&, Inventory&);
};

const std::vector<CollectorRow>& DetailCollectors();

}  // namespace tentacle::agent
