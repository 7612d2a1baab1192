#include "services/discovery/core/dhcp_observer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <string_view>

#include "libs/text/display.h"
#include "libs/wire/dhcp.h"
#include "services/discovery/limits.h"

namespace tentacle::discovery {

namespace {

namespace option = wire::dhcp_option;
using wire::DhcpMessage;
using wire::DhcpType;

// RFC 2132 sections 3.5, 9.1, 9.2, 9.8, 9.14.
constexpr std::uint8_t kRequestedAddress = 50;
constexpr std::uint8_t kLeaseTime = 51;
constexpr std::uint8_t kParameterList = 55;
constexpr std::uint8_t kClientId = 61;

std::uint32_t Number(const DhcpMessage& message, std::uint8_t code) {
  const auto data = message.Option(code);
  if (!data || data->size() != 4) return 0;
  wire::Reader in(*data);
  return in.U32();
}

std::string Text(const DhcpMessage& message, std::uint8_t code, std::size_t max) {
  const auto data = message.Option(code);
  if (!data) return {};
  return text::DisplayText(std::string(data->begin(), data->end()), max);
}

std::string ParameterList(const DhcpMessage& message) {
  const auto data = message.Option(kParameterList);
  if (!data) return {};
  std::string list = fmt::format("{}", fmt::join(*data, ","));
  if (list.size() > limits::kMaxFingerprintBytes)
    list.resize(list.rfind(',', limits::kMaxFingerprintBytes));
  return list;
}

// An id that is the MAC tells nothing more than the MAC (type 1, RFC 2132 section 9.14).
std::string ClientId(const DhcpMessage& message) {
  const auto data = message.Option(kClientId);
  if (!data || data->size() < 2 || data->size() > limits::kMaxClientIdBytes || (*data)[0] == 1)
    return {};
  return fmt::format("{:02x}", fmt::join(*data, ""));
}

Observation Client(const DhcpMessage& message,
                   const DhcpOrigin& origin,
                   const WatchedInterface& on) {
  Observation client{origin.mac, 0, on.name, origin.vlan, Source::kDhcp};
  if (on.IsNeighbour(message.client_address)) client.address = message.client_address;
  client.name = Text(message, option::kHostName, limits::kMaxNameBytes);
  client.fingerprint = ParameterList(message);
  client.vendor_class = Text(message, option::kVendorClass, limits::kMaxFingerprintBytes);
  client.client_id = ClientId(message);
  return client;
}

// A client that takes an offer names the server (RFC 2131 section 4.3.2), and everybody hears it,
// also where the server's own answers go to the client alone.
std::optional<DhcpSighting> Choice(const DhcpMessage& message,
                                   const DhcpOrigin& origin,
                                   const WatchedInterface& on) {
  const std::uint32_t server = Number(message, option::kServerId);
  if (message.type() != DhcpType::kRequest || server == 0) return std::nullopt;
  DhcpSighting choice;
  choice.server = server;
  choice.interface = on.name;
  choice.vlan = origin.vlan;
  choice.client = origin.mac;
  choice.address = Number(message, kRequestedAddress);
  choice.taken = choice.address != 0;
  choice.in_segment = choice.address == 0 || on.IsNeighbour(choice.address);
  return choice;
}

DhcpSighting Server(const DhcpMessage& message,
                    const DhcpOrigin& origin,
                    const WatchedInterface& on) {
  DhcpSighting server;
  server.server = Number(message, option::kServerId);
  if (server.server == 0) server.server = origin.address;
  server.server_mac = origin.mac;
  server.interface = on.name;
  server.vlan = origin.vlan;
  server.client = message.mac().value_or(wire::MacAddress{});
  server.address = message.your_address;
  server.lease = absl::Seconds(Number(message, kLeaseTime));
  server.offer = message.type() == DhcpType::kOffer || message.type() == DhcpType::kNone;
  server.ack = message.type() == DhcpType::kAck;
  server.next_server = message.server_address;
  server.boot_file = text::DisplayText(message.boot_file, limits::kMaxNameBytes);
  if (server.boot_file.empty())
    server.boot_file = Text(message, option::kBootfileName, limits::kMaxNameBytes);
  server.in_segment = server.address == 0 || on.IsNeighbour(server.address) || origin.vlan != 0;
  return server;
}

}  // namespace

absl::StatusOr<DhcpReport> ObserveDhcp(const DhcpOrigin& origin,
                                       wire::Bytes payload,
                                       const WatchedInterface& on) {
  const auto message = wire::ParseDhcp(payload);
  if (!message.ok()) return message.status();
  DhcpReport report;
  if (message->gateway_address != 0 || !IsDeviceMac(origin.mac)) return report;
  if (message->operation == wire::DhcpOperation::kRequest) {
    // Who writes another's MAC into its message speaks for nobody.
    if (message->mac() != origin.mac) return report;
    report.device = Client(*message, origin, on);
    report.sighting = Choice(*message, origin, on);
    return report;
  }
  if (on.IsNeighbour(origin.address)) {
    report.device = Observation{origin.mac, origin.address, on.name, origin.vlan, Source::kDhcp};
  }
  const bool speaks = message->type() == DhcpType::kOffer || message->type() == DhcpType::kAck ||
                      message->type() == DhcpType::kNone;
  if (speaks) report.sighting = Server(*message, origin, on);
  return report;
}

}  // namespace tentacle::discovery
