// One entry of /sys/firmware/dmi/entries/17-*/raw -> a memory module.
#pragma once

#include <optional>
#include <string_view>

#include "services/agent/core/host_details.h"

namespace tentacle::agent {

// SMBIOS (DMTF DSP0134) section 7.18, "Memory Device". Nothing for an empty slot and for what is no
// such structure.
std::optional<MemoryModule> ParseSmbiosMemory(std::string_view raw);

}  // namespace tentacle::agent
