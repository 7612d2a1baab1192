// Which network interfaces an inventory names.
#pragma once

#include <string_view>

namespace tentacle::agent {

// Not loopback, and not the host's ends of containers' links: those come and go under new names
// with every container and would make every inventory a new one.
inline bool IsListedInterface(std::string_view name) {
  return name != "lo" && !name.starts_with("veth");
}

}  // namespace tentacle::agent
