// The configuration's lists as the cores take them.
#pragma once

#include <tentacle/config/v1/config.pb.h>

#include <cstdint>
#include <vector>

#include "services/discovery/core/scan_plan.h"

namespace tentacle::discovery {

// What was checked when the configuration was taken; an entry that is none is passed over.
ScanRules RulesOf(const config::v1::DiscoveryConfig& config);
std::vector<std::uint32_t> ListedServers(const config::v1::DiscoveryConfig& config);
// Those of discovery.networks that name their interface.
std::vector<NetworkRule> UnnumberedNetworks(const ScanRules& rules);

}  // namespace tentacle::discovery
