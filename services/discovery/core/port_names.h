// What usually listens on a TCP port.
#pragma once

#include <cstdint>
#include <string_view>

namespace tentacle::discovery {

// IANA's name of the service, or nothing. The text lives as long as the program.
std::string_view PortName(std::uint16_t port);

// Whether the service speaks first, so that waiting for its greeting is worth while.
bool Greets(std::uint16_t port);

}  // namespace tentacle::discovery
