// Which firmware is talking: option 93 (RFC 4578 section 2.1, IANA "Processor Architecture Types").
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "libs/wire/dhcp.h"

namespace tentacle::pxe {

enum class Firmware {
  kBios,
  kUefiX64,
  kOther,  // Known by name or not; nothing here boots it yet.
};

struct ClientArch {
  std::uint16_t number = 0;
  Firmware firmware = Firmware::kOther;
  std::string_view name = "unknown";
};

// The first architecture in option 93 that is known; a client may name several (field notes G11). Nothing when the
// option is missing or malformed.
std::optional<ClientArch> ArchOf(const wire::DhcpMessage& request);

// "bios", "uefi-x64", "other": as reported in events.
std::string_view FirmwareName(Firmware firmware);

}  // namespace tentacle::pxe
