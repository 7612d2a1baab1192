// The kernel's neighbour table: which machine on the segment a client is.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "libs/wire/mac_address.h"

namespace tentacle::pxe {

using MacOfAddress = std::function<std::optional<wire::MacAddress>(const std::string& address)>;

// From /proc/net/arp, which does not block. Nothing for an address that is not on a segment of ours.
std::optional<wire::MacAddress> NeighbourMac(const std::string& address);

}  // namespace tentacle::pxe
