// ARP for IPv4 over Ethernet (RFC 826). Addresses are in host order.
#pragma once

#include <cstdint>

#include <absl/status/statusor.h>

#include "libs/wire/mac_address.h"
#include "libs/wire/reader.h"

namespace tentacle::wire {

enum class ArpOperation : std::uint16_t { kRequest = 1, kReply = 2 };

struct ArpMessage {
  ArpOperation operation = ArpOperation::kRequest;
  MacAddress sender_mac;
  std::uint32_t sender_ip = 0;
  MacAddress target_mac;
  std::uint32_t target_ip = 0;
};

// OutOfRange: truncated. InvalidArgument: not IPv4 over Ethernet. Octets behind the message are
// padding.
absl::StatusOr<ArpMessage> ParseArp(Bytes bytes);
Buffer EmitArp(const ArpMessage& arp);

}  // namespace tentacle::wire
