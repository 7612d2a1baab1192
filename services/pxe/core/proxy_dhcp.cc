#include "services/pxe/core/proxy_dhcp.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace tentacle::pxe {

namespace {

namespace option = wire::dhcp_option;

constexpr std::uint32_t kLimitedBroadcast = 0xffffffff;
constexpr std::uint16_t kDhcpServerPort = 67;
constexpr std::uint16_t kDhcpClientPort = 68;

// PXE_DISCOVERY_CONTROL (tag 6) = 8: take the boot file of this offer, ask no boot server (PXE 2.1
// section 3.1.2).
constexpr std::uint8_t kBypassBootServer[] = {6, 1, 8, option::kEnd};

// Tag 6 = 3: no multicast, no broadcast discovery; tag 10: a prompt of no time; tag 9: the one
// entry of the menu, whose name is what a Raspberry Pi looks for. Nobody else is sent a menu (G18).
constexpr std::string_view kRaspberryPiMenu(
    "\x06\x01\x03\x0a\x04\0PXE\x09\x14\0\0\x11Raspberry Pi Boot\xff", 32);

// A machine id is echoed when it is one (RFC 4578 section 2.3): type 0 and 16 octets. ROMs that
// leave it out or send another length are answered without it (G10).
void EchoMachineId(const wire::DhcpMessage& request, wire::DhcpMessage* reply) {
  constexpr std::size_t kMachineIdBytes = 17;
  const auto id = request.Option(option::kClientMachineId);
  if (id && id->size() == kMachineIdBytes && (*id)[0] == 0)
    reply->Add(option::kClientMachineId, *id);
}

void AddOption43(QuirkOption43 kind, wire::DhcpMessage* reply) {
  if (kind == QuirkOption43::kBypass) reply->Add(option::kVendorSpecific, kBypassBootServer);
  if (kind == QuirkOption43::kRaspberryPi)
    reply->AddText(option::kVendorSpecific, kRaspberryPiMenu);
}

bool AsksFor(const wire::DhcpMessage& request, std::uint8_t code) {
  const auto list = request.Option(option::kParameterList);
  return list && std::find(list->begin(), list->end(), code) != list->end();
}

// Old clients have a buffer of 576 octets (RFC 2131 section 2), newer ones say theirs in option 57;
// nobody reassembles fragments (G14). What the header says as well goes first.
void FitInto(const wire::DhcpMessage& request, wire::DhcpMessage* reply) {
  constexpr std::size_t kHeaders = 28;  // IP and UDP count into option 57.
  constexpr std::size_t kLeast = 576;
  constexpr std::size_t kMost = 1500;
  std::size_t limit = kLeast;
  if (const auto said = request.Option(option::kMaxMessageSize); said && said->size() == 2) {
    limit = std::clamp<std::size_t>(wire::Reader(*said).U16(), kLeast, kMost);
  }
  for (const std::uint8_t code :
       {option::kTftpServerName, option::kBootfileName, option::kClientMachineId}) {
    if (wire::EmitDhcp(*reply).size() <= limit - kHeaders) return;
    std::erase_if(reply->options, [code](const wire::DhcpOption& one) { return one.code == code; });
  }
}

void Address(const wire::DhcpMessage& request, const Arrival& arrival, DhcpAnswer* answer) {
  if (arrival.port == DhcpPort::kBootServer) {
    // Unicast to whatever port it was asked from (G4).
    answer->to_address = arrival.from_address;
    answer->to_port = arrival.from_port;
  } else if (request.gateway_address != 0) {  // RFC 2131 section 4.1.
    answer->to_address = request.gateway_address;
    answer->to_port = kDhcpServerPort;
  } else if (request.client_address != 0) {
    answer->to_address = request.client_address;
    answer->to_port = kDhcpClientPort;
  } else {
    // It has no address yet: a unicast would need an ARP entry that cannot exist (G13).
    answer->to_address = kLimitedBroadcast;
    answer->to_port = kDhcpClientPort;
    answer->reply.flags |= wire::kDhcpBroadcastFlag;
  }
}

}  // namespace

std::string DottedQuad(std::uint32_t address) {
  return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 0xff, address >> 8 & 0xff,
                     address & 0xff);
}

std::optional<std::uint32_t> ParseDottedQuad(std::string_view text) {
  std::uint32_t address = 0;
  for (int part = 0; part < 4; ++part) {
    std::uint8_t octet = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), octet);
    if (error != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    address = address << 8 | octet;
    if (part == 3) break;
    if (text.empty() || text.front() != '.') return std::nullopt;
    text.remove_prefix(1);
  }
  if (!text.empty()) return std::nullopt;
  return address;
}

std::string ScriptUrl(std::uint32_t our_address,
                      std::uint16_t http_port,
                      const wire::MacAddress& mac) {
  // iPXE puts in what SMBIOS says: a network card alone is not a machine.
  return fmt::format("http://{}:{}/boot.ipxe?mac={}&uuid=${{uuid}}&serial=${{serial:uristring}}",
                     DottedQuad(our_address), http_port, mac.ToString());
}

std::variant<BootChoice, DropReason> ChooseBoot(const BootRequest& boot,
                                                const Arrival& arrival,
                                                const BootUrls& urls,
                                                const QuirkEffects& quirk,
                                                bool script) {
  if (!quirk.answer) return DropReason::kIgnored;
  BootChoice choice;
  choice.nul = quirk.nul;
  if (boot.ipxe || script) {
    // It takes the offer as it is: no option 43.
    choice.file = ScriptUrl(arrival.our_address, urls.http_port, boot.mac);
    return choice;
  }
  if (boot.arch.firmware == Firmware::kOther) return DropReason::kUnknownFirmware;
  choice.loader = quirk.loader.empty() ? std::string(boot.arch.loader) : quirk.loader;
  if (boot.http) {
    // An address and no name: a proxy's offer has no DNS server in it (G36).
    choice.file = fmt::format("http://{}:{}/boot/{}", DottedQuad(arrival.our_address),
                              urls.http_port, choice.loader);
    return choice;
  }
  choice.file = choice.loader;
  // Boards of the fourth generation bring their first stage along: the folder is what must be
  // there.
  if (boot.arch.firmware == Firmware::kRaspberryPi && quirk.loader.empty())
    choice.loader = kRaspberryPiFolder;
  // UEFI without option 43 asks port 4011, which all of it understands (G1); BIOS takes the offer's
  // file with it.
  const bool bios = boot.arch.firmware == Firmware::kBios;
  choice.option43 = quirk.option43.value_or(bios ? QuirkOption43::kBypass : QuirkOption43::kNone);
  return choice;
}

DhcpAnswer AnswerDhcp(const wire::DhcpMessage& request,
                      const BootRequest& boot,
                      const Arrival& arrival,
                      const BootChoice& choice) {
  const bool offer = arrival.port == DhcpPort::kDhcp;
  const std::string server = DottedQuad(arrival.our_address);

  DhcpAnswer answer;
  wire::DhcpMessage& reply = answer.reply;
  reply.operation = wire::DhcpOperation::kReply;
  reply.hardware_type = request.hardware_type;
  reply.hardware_length = request.hardware_length;
  reply.hardware_address = request.hardware_address;
  reply.hops = request.hops;
  reply.transaction_id = request.transaction_id;
  reply.flags = request.flags;
  reply.client_address = request.client_address;
  reply.gateway_address = request.gateway_address;
  // Header fields and options both: shim and U-Boot read only the header, EDK2 prefers the options
  // (G6).
  reply.server_address = arrival.our_address;
  reply.server_name = server;
  reply.boot_file = choice.file;

  reply.options.reserve(10);
  const auto type =
      static_cast<std::uint8_t>(offer ? wire::DhcpType::kOffer : wire::DhcpType::kAck);
  reply.Add(option::kMessageType, wire::Bytes(&type, 1));
  reply.AddU32(option::kServerId, arrival.our_address);
  reply.AddText(option::kVendorClass, boot.http ? "HTTPClient" : "PXEClient");
  EchoMachineId(request, &reply);
  AddOption43(choice.option43, &reply);
  if (const auto relay = request.Option(option::kRelayAgent))
    reply.Add(option::kRelayAgent, *relay);
  // Some know only this one (G6); nobody else is sent it.
  if (AsksFor(request, option::kTftpServerAddress))
    reply.AddU32(option::kTftpServerAddress, arrival.our_address);
  reply.AddText(option::kTftpServerName, server);
  // Last, because EDK2 writes a NUL behind it (G8).
  reply.AddText(option::kBootfileName, choice.file);
  if (choice.nul) reply.options.back().data.push_back(0);
  FitInto(request, &reply);
  Address(request, arrival, &answer);
  return answer;
}

}  // namespace tentacle::pxe
