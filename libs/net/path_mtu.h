// How large a packet to an address may be.
#pragma once

#include <cstdint>
#include <optional>

namespace tentacle::net {

// Octets with IP's header, as the kernel knows it: the interface's, or what a router on the way has
// said (ip(7), IP_MTU). Nothing without a route. `address` in host order.
std::optional<std::uint32_t> PathMtu(std::uint32_t address);

}  // namespace tentacle::net
