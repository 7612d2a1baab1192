// A DHCP message -> a machine that wants to boot from the network, or why it is none of ours.
#pragma once

#include <cstdint>
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
  kDisabled,          // Switched off, or a mode without PXE.
  kNotBootRequest,    // A reply, or a DHCP message type that asks for no boot.
  kNotPxeClient,      // Neither option 60 "PXEClient" nor option 93: an operating system's DHCP.
  kNoMac,
  kUnknownFirmware,   // An architecture that nothing here boots.
  kNotOurs,           // No task for this MAC.
  kNotWaiting,        // Its task is finished, or its disk has been written: it shall boot that.
  kForeignInterface,  // Came in where we do not serve.
};
std::string_view DropName(DropReason reason);
inline constexpr int kDropReasons = 9;

// Which of our two ports was asked: the offers differ.
enum class DhcpPort { kDhcp, kBootServer };

struct BootRequest {
  wire::MacAddress mac;
  ClientArch arch;
  // iPXE runs already, so it gets the script instead of a loader (field notes G19).
  bool ipxe = false;
};

std::variant<BootRequest, DropReason> ReadBootRequest(const wire::DhcpMessage& message, DhcpPort port);

}  // namespace tentacle::pxe
