// A DHCP message -> a machine that wants to boot from the network, or why it is none of ours.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "libs/wire/dhcp.h"
#include "libs/wire/mac_address.h"
#include "services/pxe/core/client_arch.h"

namespace tentacle::pxe {

// Why a packet got no answer. Each value is a metric label and a line in docs/operations.md.
enum class DropReason {
  kMalformed,
  kDisabled,        // Switched off, or a mode without PXE.
  kNotBootRequest,  // A reply, or a DHCP message type that asks for no boot.
  // Neither option 60 "PXEClient" or "HTTPClient" nor option 93: an operating system's DHCP.
  kNotPxeClient,
  kNoMac,
  kUnknownFirmware,   // An architecture that nothing here boots.
  kNotOurs,           // No task for this MAC.
  kNotWaiting,        // Its task is finished, or its disk has been written: it shall boot that.
  kForeignInterface,  // Came in where we do not serve.
  kTooManyHops,       // Went round between relays.
  kNoLoader,          // The boot folder lacks what this firmware would run first.
  kIgnored,           // A quirk of the configuration says so.
  kStandby,           // Another tentacle's to answer, and it has not left two attempts unanswered.
};
std::string_view DropName(DropReason reason);
inline constexpr int kDropReasons = 13;

// Which of our two ports was asked: the offers differ.
enum class DhcpPort { kDhcp, kBootServer };

using MachineId = std::array<std::uint8_t, 16>;  // The SMBIOS UUID as it is on the wire.

// What the firmware says about itself, for people: printable ASCII, at most kMaxSaidBytes each.
struct FirmwareSays {
  std::string vendor_class;          // Option 60.
  std::string user_class;            // Option 77.
  std::string host_name;             // Option 12.
  std::string interface_version;     // Option 94, "3.16".
  std::optional<MachineId> machine;  // Option 97.
};

inline constexpr std::size_t kMaxSaidBytes = 128;

struct BootRequest {
  wire::MacAddress mac;
  ClientArch arch;
  // iPXE runs already, and can do what its script needs: so it gets the script instead of a loader
  // (field notes G19).
  bool ipxe = false;
  // Wants a URL instead of a name (UEFI HTTP boot).
  bool http = false;
  FirmwareSays says = {};
  // The DHCP transaction: firmware that repeats itself keeps it.
  std::uint32_t transaction = 0;
};

std::variant<BootRequest, DropReason> ReadBootRequest(const wire::DhcpMessage& message,
                                                      DhcpPort port);

// "564d1234-…" as Linux and dmidecode print it: the first three fields are little-endian on the
// wire.
std::string MachineIdText(const MachineId& id);

// Which address a client on port 67 has just chosen or has: from a REQUEST's option 50, or ciaddr.
// 0: none.
std::uint32_t ChosenAddress(const wire::DhcpMessage& message);

}  // namespace tentacle::pxe
