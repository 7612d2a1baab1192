// Ethernet frames, without preamble and check sequence (IEEE 802.3 section 3), tagged or not (IEEE
// 802.1Q).
#pragma once

#include <cstdint>

#include <absl/status/statusor.h>

#include "libs/wire/mac_address.h"
#include "libs/wire/reader.h"

namespace tentacle::wire {

inline constexpr std::uint16_t kEthertypeIpv4 = 0x0800;
inline constexpr std::uint16_t kEthertypeArp = 0x0806;
inline constexpr std::uint16_t kEthertypeWakeOnLan = 0x0842;
inline constexpr std::uint16_t kEthertypeLldp = 0x88cc;
// What is no larger is a length: a frame of IEEE 802.3 with LLC in it.
inline constexpr std::uint16_t kMaxLengthField = 1500;

struct EthernetFrame {
  MacAddress destination;
  MacAddress source;
  std::uint16_t ethertype = 0;  // Behind the tags.
  Buffer payload;
  std::uint16_t vlan = 0;  // Of the innermost tag; 0: none. Never sent.
};

// OutOfRange: shorter than a header. Of stacked tags two are taken off.
absl::StatusOr<EthernetFrame> ParseEthernet(Bytes bytes);
// Padded to the 60 octets that a frame has at least.
Buffer EmitEthernet(const EthernetFrame& frame);

}  // namespace tentacle::wire
