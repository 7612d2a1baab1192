#include "libs/wire/lldp.h"

#include <fmt/format.h>

namespace tentacle::wire {

namespace {

// Section 8.4.2, table 8-1.
enum Type : std::uint8_t {
  kEnd = 0,
  kChassis = 1,
  kPort = 2,
  kTimeToLive = 3,
  kPortDescription = 4,
  kSystemName = 5,
  kSystemDescription = 6,
  kCapabilities = 7,
  kManagementAddress = 8,
  kOrganization = 127,
};

constexpr std::uint8_t kFamilyIpv4 = 1;  // IANA address family numbers.
constexpr std::uint32_t kIeee8021 = 0x0080c2;
constexpr std::uint8_t kPortVlanId = 1;

std::string Text(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

std::string AddressText(std::uint32_t address) {
  return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 0xff, address >> 8 & 0xff,
                     address & 0xff);
}

struct Id {
  std::string text;
  std::optional<MacAddress> mac;
};

// Of a chassis the MAC is subtype 4 and the address 5, of a port 3 and 4 (tables 8-2 and 8-3).
absl::StatusOr<Id> ReadId(Bytes value, std::uint8_t mac_subtype, std::uint8_t address_subtype) {
  Reader in(value);
  const std::uint8_t subtype = in.U8();
  if (in.remaining() == 0) return absl::InvalidArgumentError("LLDP: an id is empty");
  if (subtype == mac_subtype && in.remaining() == 6) {
    const MacAddress mac{in.Array<6>()};
    return Id{mac.ToString(), mac};
  }
  if (subtype == address_subtype && in.remaining() == 5 && value[1] == kFamilyIpv4) {
    in.U8();
    return Id{AddressText(in.U32()), std::nullopt};
  }
  return Id{Text(in.Take(in.remaining())), std::nullopt};
}

void ReadManagementAddress(Bytes value, LldpFrame* frame) {
  Reader in(value);
  const std::uint8_t length = in.U8();  // Of the family and the address.
  const std::uint8_t family = in.U8();
  const std::uint32_t address = in.U32();
  if (in.ok() && length == 5 && family == kFamilyIpv4 && !frame->management_address) {
    frame->management_address = address;
  }
}

void ReadOrganization(Bytes value, LldpFrame* frame) {
  Reader in(value);
  const std::uint32_t organization = static_cast<std::uint32_t>(in.U8()) << 16 | in.U16();
  const std::uint8_t subtype = in.U8();
  const std::uint16_t vlan = in.U16();
  if (!in.ok() || organization != kIeee8021 || subtype != kPortVlanId || vlan == 0) return;
  frame->port_vlan = vlan;
}

void ReadOptional(std::uint8_t type, Bytes value, LldpFrame* frame) {
  switch (type) {
    case kPortDescription:
      frame->port_description = Text(value);
      return;
    case kSystemName:
      frame->system_name = Text(value);
      return;
    case kSystemDescription:
      frame->system_description = Text(value);
      return;
    case kCapabilities: {
      Reader in(value);
      const std::uint16_t able = in.U16();
      const std::uint16_t enabled = in.U16();
      if (in.ok()) frame->capabilities = able & enabled;
      return;
    }
    case kManagementAddress:
      return ReadManagementAddress(value, frame);
    case kOrganization:
      return ReadOrganization(value, frame);
    default:
      return;
  }
}

absl::Status ReadMandatory(std::uint8_t type, Bytes value, LldpFrame* frame) {
  if (type == kTimeToLive) {
    Reader in(value);
    frame->ttl_s = in.U16();
    return in.ok() ? absl::OkStatus() : absl::InvalidArgumentError("LLDP: not a time to live");
  }
  auto id = type == kChassis ? ReadId(value, 4, 5) : ReadId(value, 3, 4);
  if (!id.ok()) return id.status();
  if (type == kChassis) {
    frame->chassis_id = std::move(id->text);
    frame->chassis_mac = id->mac;
  } else {
    frame->port_id = std::move(id->text);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LldpFrame> ParseLldp(Bytes bytes) {
  Reader in(bytes);
  LldpFrame frame;
  // Each element has at least two octets, so a frame ends.
  for (std::uint8_t position = 1;;
       position = position > kTimeToLive ? position : static_cast<std::uint8_t>(position + 1)) {
    const bool may_end = position > kTimeToLive;
    if (may_end && in.remaining() == 0) return frame;  // The end is often forgotten.
    const std::uint16_t header = in.U16();
    const auto type = static_cast<std::uint8_t>(header >> 9);
    const Bytes value = in.Take(header & 0x1ff);
    if (!in.ok()) return absl::OutOfRangeError("LLDP: truncated");
    if (may_end && type == kEnd) return frame;
    if (may_end != (type > kTimeToLive)) {
      return absl::InvalidArgumentError(
          "LLDP: chassis, port and time to live are not the first three");
    }
    if (may_end) {
      ReadOptional(type, value, &frame);
      continue;
    }
    if (type != position)
      return absl::InvalidArgumentError("LLDP: chassis, port and time to live are not in order");
    if (absl::Status status = ReadMandatory(type, value, &frame); !status.ok()) return status;
  }
}

}  // namespace tentacle::wire
