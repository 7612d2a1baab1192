#include "services/pxe/core/proxy_dhcp.h"

#include <fmt/format.h>

namespace tentacle::pxe {

namespace {

namespace option = wire::dhcp_option;

constexpr std::uint32_t kLimitedBroadcast = 0xffffffff;
constexpr std::uint16_t kDhcpServerPort = 67;
constexpr std::uint16_t kDhcpClientPort = 68;

// PXE_DISCOVERY_CONTROL (tag 6) = 8: take the boot file of this offer, ask no boot server (PXE 2.1 section 3.1.2).
constexpr std::uint8_t kBypassBootServer[] = {6, 1, 8, option::kEnd};

std::string BootFile(const BootRequest& boot, const Arrival& arrival, const BootUrls& urls) {
  if (boot.ipxe) return ScriptUrl(arrival.our_address, urls.http_port, boot.mac);
  return boot.arch.firmware == Firmware::kBios ? kBiosLoader : kUefiX64Loader;
}

// A machine id is echoed when it is one (RFC 4578 section 2.3): type 0 and 16 octets. ROMs that leave it out or
// send another length are answered without it (G10).
void EchoMachineId(const wire::DhcpMessage& request, wire::DhcpMessage* reply) {
  constexpr std::size_t kMachineIdBytes = 17;
  const auto id = request.Option(option::kClientMachineId);
  if (id && id->size() == kMachineIdBytes && (*id)[0] == 0) reply->Add(option::kClientMachineId, *id);
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
  return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 0xff, address >> 8 & 0xff, address & 0xff);
}

std::string ScriptUrl(std::uint32_t our_address, std::uint16_t http_port, const wire::MacAddress& mac) {
  return fmt::format("http://{}:{}/boot.ipxe?mac={}", DottedQuad(our_address), http_port, mac.ToString());
}

DhcpAnswer AnswerDhcp(const wire::DhcpMessage& request,
                      const BootRequest& boot,
                      const Arrival& arrival,
                      const BootUrls& urls) {
  const bool offer = arrival.port == DhcpPort::kDhcp;
  const std::string server = DottedQuad(arrival.our_address);
  const std::string file = BootFile(boot, arrival, urls);

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
  // Header fields and options both: shim and U-Boot read only the header, EDK2 prefers the options (G6).
  reply.server_address = arrival.our_address;
  reply.server_name = server;
  reply.boot_file = file;

  const auto type = static_cast<std::uint8_t>(offer ? wire::DhcpType::kOffer : wire::DhcpType::kAck);
  reply.Add(option::kMessageType, wire::Bytes(&type, 1));
  reply.AddU32(option::kServerId, arrival.our_address);
  reply.AddText(option::kVendorClass, "PXEClient");
  EchoMachineId(request, &reply);
  // UEFI without option 43 asks port 4011, which all of it understands (G1); iPXE takes the offer as it is.
  if (boot.arch.firmware == Firmware::kBios && !boot.ipxe) reply.Add(option::kVendorSpecific, kBypassBootServer);
  if (const auto relay = request.Option(option::kRelayAgent)) reply.Add(option::kRelayAgent, *relay);
  reply.AddText(option::kTftpServerName, server);
  // Last, because EDK2 writes a NUL behind it (G8).
  reply.AddText(option::kBootfileName, file);
  Address(request, arrival, &answer);
  return answer;
}

}  // namespace tentacle::pxe
