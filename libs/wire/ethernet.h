// Ethernet II frames, without preamble and check sequence (IEEE 802.3 section 3).
#pragma once

#include <cstdint>

#include <absl/status/statusor.h>

#include "libs/wire/mac_address.h"
#include "libs/wire/reader.h"

namespace tentacle::wire {

inline constexpr std::uint16_t kEthertypeIpv4 = 0x0800;
inline constexpr std::uint16_t kEthertypeArp = 0x0806;
inline constexpr std::uint16_t kEthertypeWakeOnLan = 0x0842;

struct EthernetFrame {
  MacAddress destination;
  MacAddress source;
  std::uint16_t ethertype = 0;
  Buffer payload;
};

// OutOfRange: shorter than a header.
absl::StatusOr<EthernetFrame> ParseEthernet(Bytes bytes);
// Padded to the 60 octets that a frame has at least.
Buffer EmitEthernet(const EthernetFrame& frame);

}  // namespace tentacle::wire
