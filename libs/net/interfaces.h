// The host's network interfaces, read once.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

namespace tentacle::net {

struct InterfaceAddress {
  std::string name;
  int index = 0;
  std::array<std::uint8_t, 6> mac{};
  std::uint32_t address = 0;  // IPv4, host order.
  std::uint32_t prefix_length = 0;
  std::uint32_t mtu = 1500;
  bool loopback = false;
};

// One entry per IPv4 address of every interface that is up.
absl::StatusOr<std::vector<InterfaceAddress>> ListInterfaceAddresses();

// And behind them those that have none (a VLAN that is only listened to), with address 0 and prefix
// length 0.
absl::StatusOr<std::vector<InterfaceAddress>> ListInterfacesAndAddresses();

// Where packets for everywhere else go: the gateways of the routing table's default routes. Host
// order.
std::vector<std::uint32_t> DefaultGateways();

}  // namespace tentacle::net
