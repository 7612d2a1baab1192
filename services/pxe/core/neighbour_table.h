// /proc/net/arp: which MAC has the address that a TFTP or HTTP client comes from.
#pragma once

#include <optional>
#include <string_view>

#include "libs/wire/mac_address.h"

namespace tentacle::pxe {

// Nothing when the address is not there or its entry is incomplete.
std::optional<wire::MacAddress> FindNeighbour(std::string_view proc_net_arp,
                                              std::string_view address);

}  // namespace tentacle::pxe
