// IPv4 packets (RFC 791) and the UDP datagrams in them (RFC 768), as far as a listener needs them.
// Addresses are in host order. Views point into the input.
#pragma once

#include <cstdint>

#include <absl/status/statusor.h>

#include "libs/wire/reader.h"

namespace tentacle::wire {

inline constexpr std::uint8_t kProtocolUdp = 17;

struct Ipv4Packet {
  std::uint32_t source = 0;
  std::uint32_t destination = 0;
  std::uint8_t protocol = 0;
  Bytes payload;
};

struct UdpDatagram {
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  Bytes payload;
};

// OutOfRange: shorter than it says. InvalidArgument: not IPv4, a header that cannot be, or a
// fragment, which is put together by nobody here. Octets behind the packet are the frame's padding.
// Checksums are not looked at: a frame that was sent by this host's neighbours on a virtual segment
// has none yet.
absl::StatusOr<Ipv4Packet> ParseIpv4(Bytes bytes);
absl::StatusOr<UdpDatagram> ParseUdp(Bytes bytes);

// One datagram in one packet, with both checksums.
Buffer EmitUdpIpv4(std::uint32_t source, std::uint32_t destination, const UdpDatagram& datagram);

}  // namespace tentacle::wire
