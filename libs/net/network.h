// "10.1.2.0/24", "8000-8080": networks and ranges of ports as configurations write them. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

namespace tentacle::net {

// An IPv4 network; a single address is a /32. Host order.
struct Network {
  std::uint32_t address = 0;  // As it was written, host bits included.
  std::uint32_t prefix_length = 32;
  std::string interface;  // "eth0.20:10.20.0.0/24": only there. Empty: wherever.

  std::uint32_t mask() const {
    return prefix_length == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix_length);
  }

  bool Contains(std::uint32_t other) const { return ((address ^ other) & mask()) == 0; }
};

// InvalidArgument with the text in it.
absl::StatusOr<Network> ParseNetwork(std::string_view text);
absl::StatusOr<std::uint32_t> ParseIpv4Address(std::string_view text);

// "22" and "8000-8080" -> ports in order, each once. InvalidArgument for what is no port, and for
// more than `max` of them.
absl::StatusOr<std::vector<std::uint16_t>> ParsePorts(const std::vector<std::string>& ranges,
                                                      std::size_t max);

}  // namespace tentacle::net
