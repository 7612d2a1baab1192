#include "services/pxe/core/boot_request.h"

#include <fmt/format.h>

#include <algorithm>

namespace tentacle::pxe {

namespace {

namespace option = wire::dhcp_option;

// RFC 1542 section 4.1.1: more relays than that are a loop.
constexpr std::uint8_t kMaxHops = 16;
constexpr std::size_t kMaxRelayBytes = 255;

// Sub-options of 175 (iPXE's features.h): what our scripts need.
constexpr std::uint8_t kFeatureHttp = 0x13;
constexpr std::uint8_t kFeatureBzImage = 0x18;
constexpr std::uint8_t kFeatureEfi = 0x24;

bool StartsWith(wire::Bytes data, std::string_view text) {
  return data.size() >= text.size() && std::equal(text.begin(), text.end(), data.begin());
}

// Plain, or with the length in front as RFC 3004 section 4 has it.
bool IsIpxeClass(wire::Bytes user_class) {
  return StartsWith(user_class, "iPXE") || StartsWith(user_class, "\x04iPXE");
}

bool HasFeature(wire::Bytes features, std::uint8_t wanted) {
  wire::Reader in(features);
  while (in.remaining() > 0) {
    const std::uint8_t code = in.U8();
    const wire::Bytes value = in.Take(in.U8());
    if (!in.ok()) return false;
    if (code == wanted) return value.size() == 1 && value[0] != 0;
  }
  return false;
}

// An iPXE in a network card may lack HTTP or kernels (VirtualBox, FlexBoot): it is firmware like
// any other and is given our own. One that shows no features is taken at its word.
bool IsUsableIpxe(const wire::DhcpMessage& message, Firmware firmware) {
  const auto features = message.Option(option::kEtherboot);
  const auto user_class = message.Option(option::kUserClass);
  if (!features) return user_class && IsIpxeClass(*user_class);
  const std::uint8_t kernels = firmware == Firmware::kBios ? kFeatureBzImage : kFeatureEfi;
  return HasFeature(*features, kFeatureHttp) &&
         (HasFeature(*features, kernels) || firmware == Firmware::kOther);
}

bool AsksToBoot(wire::DhcpType type, DhcpPort port) {
  if (port == DhcpPort::kDhcp) return type == wire::DhcpType::kDiscover;
  // Firmware sends a REQUEST to 4011 (G4); some ROMs an INFORM.
  return type == wire::DhcpType::kRequest || type == wire::DhcpType::kInform;
}

// EDK2 may put its GUID into chaddr (hlen 16): the MAC is in the client identifier then (RFC 2132
// section 9.14), type 1 for Ethernet (G15).
std::optional<wire::MacAddress> MacOf(const wire::DhcpMessage& message) {
  constexpr std::size_t kTypeAndMac = 7;
  if (const auto mac = message.mac()) return mac;
  const auto client = message.Option(option::kClientId);
  if (message.hardware_type != 1 || !client || client->size() != kTypeAndMac || (*client)[0] != 1)
    return std::nullopt;
  wire::MacAddress mac;
  std::copy(client->begin() + 1, client->end(), mac.octets.begin());
  return mac;
}

std::string Printable(std::optional<wire::Bytes> data) {
  std::string text;
  if (!data) return text;
  for (const std::uint8_t octet : data->first(std::min(data->size(), kMaxSaidBytes))) {
    if (octet >= 0x20 && octet < 0x7f) text.push_back(static_cast<char>(octet));
  }
  return text;
}

FirmwareSays SaysOf(const wire::DhcpMessage& message) {
  constexpr std::size_t kTypeAndId = 17;
  FirmwareSays says;
  says.vendor_class = Printable(message.Option(option::kVendorClass));
  says.user_class = Printable(message.Option(option::kUserClass));
  says.host_name = Printable(message.Option(option::kHostName));
  const auto version = message.Option(option::kClientInterface);
  if (version && version->size() == 3)
    says.interface_version = fmt::format("{}.{}", (*version)[1], (*version)[2]);
  const auto id = message.Option(option::kClientMachineId);
  if (id && id->size() == kTypeAndId && (*id)[0] == 0) {
    says.machine.emplace();
    std::copy(id->begin() + 1, id->end(), says.machine->begin());
  }
  return says;
}

// Boards of the first generations call themselves BIOS; their machine id begins with their name
// (G11).
bool IsRaspberryPi(const FirmwareSays& says) {
  constexpr std::string_view kFamily = "RPi";
  return says.machine && std::equal(kFamily.begin(), kFamily.end(), says.machine->begin());
}

ClientArch RaspberryPi(const ClientArch& said) {
  for (const ClientArch& known : KnownArchs()) {
    if (known.firmware == Firmware::kRaspberryPi)
      return {said.number, known.firmware, known.name, known.loader, said.http};
  }
  return said;
}

}  // namespace

std::string_view DropName(DropReason reason) {
  switch (reason) {
    case DropReason::kMalformed:
      return "malformed";
    case DropReason::kDisabled:
      return "disabled";
    case DropReason::kNotBootRequest:
      return "not_boot_request";
    case DropReason::kNotPxeClient:
      return "not_pxe_client";
    case DropReason::kNoMac:
      return "no_mac";
    case DropReason::kUnknownFirmware:
      return "unknown_firmware";
    case DropReason::kNotOurs:
      return "not_ours";
    case DropReason::kNotWaiting:
      return "not_waiting";
    case DropReason::kForeignInterface:
      return "foreign_interface";
    case DropReason::kTooManyHops:
      return "too_many_hops";
    case DropReason::kNoLoader:
      return "no_loader";
    case DropReason::kIgnored:
      return "ignored";
    case DropReason::kStandby:
      return "standby";
  }
  return "unknown";
}

std::variant<BootRequest, DropReason> ReadBootRequest(const wire::DhcpMessage& message,
                                                      DhcpPort port) {
  if (message.operation != wire::DhcpOperation::kRequest || !AsksToBoot(message.type(), port)) {
    return DropReason::kNotBootRequest;
  }
  const auto vendor = message.Option(option::kVendorClass);
  const bool pxe_vendor = vendor && StartsWith(*vendor, "PXEClient");
  const bool http_vendor = vendor && StartsWith(*vendor, "HTTPClient");
  const auto arch = ArchOf(message);
  // Some clients send one without the other (G12); an operating system sends neither.
  if (!vendor && !arch) return DropReason::kNotPxeClient;
  if (vendor && !pxe_vendor && !http_vendor) return DropReason::kNotPxeClient;
  if (message.hops > kMaxHops) return DropReason::kTooManyHops;
  // It is echoed whole; what is longer is nobody's circuit.
  if (const auto relay = message.Option(option::kRelayAgent);
      relay && relay->size() > kMaxRelayBytes) {
    return DropReason::kMalformed;
  }
  const auto mac = MacOf(message);
  if (!mac) return DropReason::kNoMac;
  BootRequest request;
  request.mac = *mac;
  request.transaction = message.transaction_id;
  request.arch = arch.value_or(KnownArchs().front());
  request.says = SaysOf(message);
  if (request.arch.firmware == Firmware::kBios && IsRaspberryPi(request.says))
    request.arch = RaspberryPi(request.arch);
  request.ipxe = IsUsableIpxe(message, request.arch.firmware);
  request.http = http_vendor || (!vendor && request.arch.http);
  // HTTP boot has no boot server (G36).
  if (request.http && port == DhcpPort::kBootServer) return DropReason::kNotBootRequest;
  return request;
}

std::string MachineIdText(const MachineId& id) {
  constexpr std::array<std::size_t, 16> kOrder = {3, 2, 1,  0,  5,  4,  7,  6,
                                                  8, 9, 10, 11, 12, 13, 14, 15};
  std::string text;
  for (std::size_t at = 0; at < kOrder.size(); ++at) {
    if (at == 4 || at == 6 || at == 8 || at == 10) text += '-';
    text += fmt::format("{:02x}", id[kOrder[at]]);
  }
  return text;
}

std::uint32_t ChosenAddress(const wire::DhcpMessage& message) {
  if (message.operation != wire::DhcpOperation::kRequest ||
      message.type() != wire::DhcpType::kRequest)
    return 0;
  const auto requested = message.Option(option::kRequestedAddress);
  if (!requested || requested->size() != 4) return message.client_address;
  return wire::Reader(*requested).U32();
}

}  // namespace tentacle::pxe
