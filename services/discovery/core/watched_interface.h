// Which of the host's interfaces are watched.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libs/wire/mac_address.h"
#include "services/discovery/core/scan_plan.h"

namespace tentacle::discovery {

// One IPv4 address of the host, as the shell read it. Host order.
struct LocalAddress {
  std::string interface;
  int interface_index = 0;
  wire::MacAddress mac;       // Zero: not an Ethernet.
  std::uint32_t address = 0;  // 0: it has none.
  std::uint32_t prefix_length = 0;
  bool loopback = false;
};

// An Ethernet that is watched, with the networks the host has an address in.
struct WatchedInterface {
  std::string name;
  int index = 0;
  wire::MacAddress mac;
  std::vector<Subnet> subnets;

  // Whether `address` is one that a host of these networks can have.
  bool IsNeighbour(std::uint32_t address) const;
};

struct InterfaceChoice {
  std::vector<WatchedInterface> watched;
  // Sentences about what was asked for and cannot be watched.
  std::vector<std::string> problems;
};

// `wanted` empty: every Ethernet with an IPv4 address. The loopback never counts. An interface that
// `unnumbered` names is watched with that network although it has no address in it.
InterfaceChoice ChooseInterfaces(const std::vector<LocalAddress>& addresses,
                                 const std::vector<std::string>& wanted,
                                 const std::vector<NetworkRule>& unnumbered = {});

}  // namespace tentacle::discovery
