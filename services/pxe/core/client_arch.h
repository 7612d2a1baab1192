// Which firmware is talking: option 93 (RFC 4578 section 2.1, IANA "Processor Architecture Types").
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "libs/wire/dhcp.h"

namespace tentacle::pxe {

enum class Firmware {
  kBios,
  kUefiIa32,
  kUefiX64,
  kUefiArm32,
  kUefiArm64,
  kRaspberryPi,
  kOther,  // Known by name or not; nothing here boots it.
};

struct ClientArch {
  std::uint16_t number = 0;
  Firmware firmware = Firmware::kOther;
  std::string_view name = "unknown";
  // What it is to run first, below the boot folder; empty for kOther.
  std::string_view loader = {};
  // Loads it over HTTP instead of TFTP.
  bool http = false;
};

inline constexpr char kBiosLoader[] = "undionly.kpxe";
inline constexpr char kUefiX64Loader[] = "ipxe.efi";
// The first stage of a Raspberry Pi, where a board asks for a name at all.
inline constexpr char kRaspberryPiFolder[] = "rpi";
inline constexpr char kRaspberryPiLoader[] = "rpi/bootcode.bin";

// Every architecture that is known by name.
std::span<const ClientArch> KnownArchs();

// The first architecture in option 93 that is known; a client may name several (field notes G11).
// Nothing when the option is missing or malformed.
std::optional<ClientArch> ArchOf(const wire::DhcpMessage& request);

// "bios", "uefi-x64", "other": as reported in events.
std::string_view FirmwareName(Firmware firmware);

}  // namespace tentacle::pxe
