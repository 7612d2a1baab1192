// The host as JSON, in the parts of docs/protocol.md section 3 ("inventory").
#pragma once

#include <cstddef>
#include <string>

#include <absl/time/time.h>

#include "services/agent/core/inventory.h"

namespace tentacle::agent {

// At most `max_bytes`: the lists of packages, units, interfaces and disks, in this order, are cut
// at their ends where they do not fit, and "truncated" is then true beside them.
std::string InventoryJson(const Inventory& inventory,
                          absl::Time collected_at,
                          std::size_t max_bytes);

// The same with everything left out that changes by itself (moment, uptime): equal when nothing
// changed.
std::string StableInventoryJson(Inventory inventory, std::size_t max_bytes);

}  // namespace tentacle::agent
