#include "libs/wire/cdp.h"

namespace tentacle::wire {

namespace {

enum Type : std::uint16_t {
  kDeviceId = 0x0001,
  kAddresses = 0x0002,
  kPortId = 0x0003,
  kCapabilities = 0x0004,
  kSoftware = 0x0005,
  kPlatform = 0x0006,
  kNativeVlan = 0x000a,
};

constexpr std::uint16_t kSnap = 0xaaaa;  // Both service access points.
constexpr std::uint8_t kUnnumbered = 0x03;
constexpr std::uint32_t kCisco = 0x00000c;
constexpr std::uint16_t kCdp = 0x2000;
constexpr std::size_t kElementHeaderBytes = 4;
constexpr std::uint8_t kNlpid = 1;         // A protocol type of one octet follows,
constexpr std::uint8_t kNlpidIpv4 = 0xcc;  // which is this for IPv4 (RFC 1490).

std::string Text(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

void ReadAddresses(Bytes value, CdpFrame* frame) {
  Reader in(value);
  const std::uint32_t count = in.U32();
  for (std::uint32_t i = 0; i < count && in.ok() && in.remaining() > 0; ++i) {
    const std::uint8_t protocol_type = in.U8();
    const Bytes protocol = in.Take(in.U8());
    const std::uint16_t length = in.U16();
    Reader address(in.Take(length));
    if (!in.ok() || frame->address) return;
    const bool ipv4 = protocol_type == kNlpid && protocol.size() == 1 && protocol[0] == kNlpidIpv4;
    if (ipv4 && length == 4) frame->address = address.U32();
  }
}

void ReadElement(std::uint16_t type, Bytes value, CdpFrame* frame) {
  Reader in(value);
  switch (type) {
    case kDeviceId:
      frame->device_id = Text(value);
      return;
    case kAddresses:
      return ReadAddresses(value, frame);
    case kPortId:
      frame->port_id = Text(value);
      return;
    case kCapabilities:
      frame->capabilities = in.U32();
      return;
    case kSoftware:
      frame->software = Text(value);
      return;
    case kPlatform:
      frame->platform = Text(value);
      return;
    case kNativeVlan:
      if (value.size() == 2) frame->native_vlan = in.U16();
      return;
    default:
      return;
  }
}

}  // namespace

absl::StatusOr<CdpFrame> ParseCdp(Bytes bytes) {
  Reader in(bytes);
  const std::uint16_t access_points = in.U16();
  const std::uint8_t control = in.U8();
  const std::uint32_t organization = static_cast<std::uint32_t>(in.U8()) << 16 | in.U16();
  const std::uint16_t protocol = in.U16();
  CdpFrame frame;
  frame.version = in.U8();
  frame.ttl_s = in.U8();
  in.U16();
  if (!in.ok()) return absl::OutOfRangeError("CDP: truncated");
  if (access_points != kSnap || control != kUnnumbered || organization != kCisco ||
      protocol != kCdp) {
    return absl::InvalidArgumentError("CDP: another protocol");
  }
  while (in.remaining() >= kElementHeaderBytes) {
    const std::uint16_t type = in.U16();
    const std::uint16_t length = in.U16();
    // Zeros are the padding of a short frame.
    if (type == 0 && length == 0) break;
    if (length < kElementHeaderBytes)
      return absl::InvalidArgumentError("CDP: an element is shorter than its header");
    const Bytes value = in.Take(length - kElementHeaderBytes);
    if (!in.ok()) return absl::OutOfRangeError("CDP: truncated");
    ReadElement(type, value, &frame);
  }
  if (frame.device_id.empty()) return absl::InvalidArgumentError("CDP: no device");
  return frame;
}

}  // namespace tentacle::wire
