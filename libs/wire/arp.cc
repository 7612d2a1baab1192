#include "libs/wire/arp.h"

#include "libs/wire/ethernet.h"
#include "libs/wire/writer.h"

namespace tentacle::wire {

namespace {

constexpr std::uint16_t kHardwareEthernet = 1;
constexpr std::uint8_t kMacBytes = 6;
constexpr std::uint8_t kIpv4Bytes = 4;

}  // namespace

absl::StatusOr<ArpMessage> ParseArp(Bytes bytes) {
  Reader in(bytes);
  const std::uint16_t hardware = in.U16();
  const std::uint16_t protocol = in.U16();
  const std::uint8_t hardware_bytes = in.U8();
  const std::uint8_t protocol_bytes = in.U8();
  ArpMessage arp;
  arp.operation = static_cast<ArpOperation>(in.U16());
  arp.sender_mac.octets = in.Array<6>();
  arp.sender_ip = in.U32();
  arp.target_mac.octets = in.Array<6>();
  arp.target_ip = in.U32();
  if (!in.ok()) return absl::OutOfRangeError("ARP: truncated");
  if (hardware != kHardwareEthernet || protocol != kEthertypeIpv4 || hardware_bytes != kMacBytes ||
      protocol_bytes != kIpv4Bytes) {
    return absl::InvalidArgumentError("ARP: not IPv4 over Ethernet");
  }
  return arp;
}

Buffer EmitArp(const ArpMessage& arp) {
  Writer out;
  out.U16(kHardwareEthernet);
  out.U16(kEthertypeIpv4);
  out.U8(kMacBytes);
  out.U8(kIpv4Bytes);
  out.U16(static_cast<std::uint16_t>(arp.operation));
  out.Append(arp.sender_mac.octets);
  out.U32(arp.sender_ip);
  out.Append(arp.target_mac.octets);
  out.U32(arp.target_ip);
  return out.Finish();
}

}  // namespace tentacle::wire
