#include "services/pxe/core/boot_request.h"

#include <algorithm>

namespace tentacle::pxe {

namespace {

namespace option = wire::dhcp_option;

bool StartsWith(wire::Bytes data, std::string_view text) {
  return data.size() >= text.size() && std::equal(text.begin(), text.end(), data.begin());
}

bool IsIpxe(const wire::DhcpMessage& message) {
  if (message.Option(option::kEtherboot)) return true;
  const auto user_class = message.Option(option::kUserClass);
  if (!user_class) return false;
  // Plain "iPXE", or with the length in front as RFC 3004 section 4 has it.
  return StartsWith(*user_class, "iPXE") || StartsWith(*user_class, "\x04iPXE");
}

bool AsksToBoot(wire::DhcpType type, DhcpPort port) {
  if (port == DhcpPort::kDhcp) return type == wire::DhcpType::kDiscover;
  // Firmware sends a REQUEST to 4011 (G4); some ROMs an INFORM.
  return type == wire::DhcpType::kRequest || type == wire::DhcpType::kInform;
}

}  // namespace

std::string_view DropName(DropReason reason) {
  switch (reason) {
    case DropReason::kMalformed: return "malformed";
    case DropReason::kDisabled: return "disabled";
    case DropReason::kNotBootRequest: return "not_boot_request";
    case DropReason::kNotPxeClient: return "not_pxe_client";
    case DropReason::kNoMac: return "no_mac";
    case DropReason::kUnknownFirmware: return "unknown_firmware";
    case DropReason::kNotOurs: return "not_ours";
    case DropReason::kNotWaiting: return "not_waiting";
    case DropReason::kForeignInterface: return "foreign_interface";
  }
  return "unknown";
}

std::variant<BootRequest, DropReason> ReadBootRequest(const wire::DhcpMessage& message, DhcpPort port) {
  if (message.operation != wire::DhcpOperation::kRequest || !AsksToBoot(message.type(), port)) {
    return DropReason::kNotBootRequest;
  }
  const auto vendor = message.Option(option::kVendorClass);
  const bool pxe_vendor = vendor && StartsWith(*vendor, "PXEClient");
  const auto arch = ArchOf(message);
  // Some clients send one without the other (G12); an operating system sends neither.
  if (!pxe_vendor && !arch) return DropReason::kNotPxeClient;
  if (vendor && !pxe_vendor) return DropReason::kNotPxeClient;
  const auto mac = message.mac();
  if (!mac) return DropReason::kNoMac;
  BootRequest request{*mac, arch.value_or(ClientArch{0, Firmware::kBios, "x86 BIOS"}), IsIpxe(message)};
  if (request.arch.firmware == Firmware::kOther) return DropReason::kUnknownFirmware;
  return request;
}

}  // namespace tentacle::pxe
