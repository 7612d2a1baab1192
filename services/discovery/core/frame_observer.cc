#include "services/discovery/core/frame_observer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "libs/text/display.h"
#include "libs/wire/cdp.h"
#include "libs/wire/dhcp.h"
#include "libs/wire/dns.h"
#include "libs/wire/ethernet.h"
#include "libs/wire/ipv4.h"
#include "libs/wire/lldp.h"
#include "libs/wire/netbios.h"
#include "services/discovery/core/dhcp_observer.h"
#include "services/discovery/limits.h"

namespace tentacle::discovery {

namespace {

using wire::EthernetFrame;

constexpr std::uint16_t kNetbiosPort = 137;
constexpr std::uint16_t kMulticastDnsPort = 5353;

FrameReport Dropped(DropReason reason) {
  FrameReport report;
  report.dropped = reason;
  return report;
}

std::string Shown(std::string_view text, std::size_t max = limits::kMaxNameBytes) {
  return text::DisplayText(text, max);
}

FrameReport ObserveArpFrame(const EthernetFrame& frame, const WatchedInterface& on) {
  const auto arp = wire::ParseArp(frame.payload);
  if (!arp.ok()) return Dropped(DropReason::kMalformed);
  auto observed = ObserveArp(*arp, on);
  if (const auto* reason = std::get_if<DropReason>(&observed)) {
    // A tagged frame is of another network, and tells its sender's VLAN all the same.
    const bool other_vlan = *reason == DropReason::kForeignAddress && frame.vlan != 0;
    if (!other_vlan) return Dropped(*reason);
    observed = Observation{arp->sender_mac, 0, on.name};
  }
  FrameReport report;
  report.device = std::get<Observation>(std::move(observed));
  report.device->vlan = frame.vlan;
  report.arp_reply = arp->operation == wire::ArpOperation::kReply;
  return report;
}

// Where a packet of IPv4 came from, when the sender's MAC is its own: not from behind a router.
std::optional<Observation> Talker(const EthernetFrame& frame,
                                  std::uint32_t source,
                                  const WatchedInterface& on) {
  if (!IsDeviceMac(frame.source) || !on.IsNeighbour(source)) return std::nullopt;
  return Observation{frame.source, source, on.name, frame.vlan};
}

// A host's own name is the owner of an address record for the address that the packet came from;
// others' records are repeated by gateways between segments.
std::string MulticastName(const wire::DnsMessage& dns, std::uint32_t source) {
  for (const wire::DnsRecord& record : dns.records) {
    if (record.type != wire::dns_type::kA || record.data.size() != 4 || record.ttl_s == 0) continue;
    wire::Reader data(record.data);
    if (data.U32() != source || record.name.size() != 2) continue;
    if (record.name[1] != "local") continue;
    return Shown(record.name[0]);
  }
  return {};
}

FrameReport ObserveMulticastDns(const EthernetFrame& frame,
                                const wire::Ipv4Packet& packet,
                                wire::Bytes payload,
                                const WatchedInterface& on) {
  const auto dns = wire::ParseDns(payload);
  if (!dns.ok()) return Dropped(DropReason::kMalformed);
  FrameReport report;
  report.protocol = Source::kMdns;
  report.device = Talker(frame, packet.source, on);
  if (!report.device) return Dropped(DropReason::kForeignAddress);
  report.device->source = Source::kMdns;
  if (dns->is_response()) report.device->name = MulticastName(*dns, packet.source);
  return report;
}

FrameReport ObserveNetbios(const EthernetFrame& frame,
                           const wire::Ipv4Packet& packet,
                           wire::Bytes payload,
                           const WatchedInterface& on) {
  const auto message = wire::ParseNetbios(payload);
  if (!message.ok()) return Dropped(DropReason::kMalformed);
  FrameReport report;
  report.protocol = Source::kNetbios;
  report.device = Talker(frame, packet.source, on);
  if (!report.device) return Dropped(DropReason::kForeignAddress);
  report.device->source = Source::kNetbios;
  const wire::NetbiosName& name = message->name;
  const bool claims = message->operation == wire::NetbiosOperation::kRegistration ||
                      message->operation == wire::NetbiosOperation::kRefresh ||
                      message->operation == wire::NetbiosOperation::kRefreshAlternate;
  const bool own = std::find(name.addresses.begin(), name.addresses.end(), packet.source) !=
                   name.addresses.end();
  const bool host = name.suffix == wire::kNetbiosWorkstation || name.suffix == wire::kNetbiosServer;
  if (claims && own && host && !name.group) report.device->name = Shown(name.name);
  return report;
}

FrameReport ObserveUdp(const EthernetFrame& frame, const WatchedInterface& on) {
  const auto packet = wire::ParseIpv4(frame.payload);
  if (!packet.ok() || packet->protocol != wire::kProtocolUdp)
    return Dropped(DropReason::kMalformed);
  const auto udp = wire::ParseUdp(packet->payload);
  if (!udp.ok()) return Dropped(DropReason::kMalformed);
  if (udp->destination_port == kMulticastDnsPort || udp->source_port == kMulticastDnsPort) {
    return ObserveMulticastDns(frame, *packet, udp->payload, on);
  }
  if (udp->destination_port == kNetbiosPort)
    return ObserveNetbios(frame, *packet, udp->payload, on);
  auto dhcp = ObserveDhcp({frame.source, frame.vlan, packet->source}, udp->payload, on);
  if (!dhcp.ok()) return Dropped(DropReason::kMalformed);
  FrameReport report;
  report.protocol = Source::kDhcp;
  report.device = std::move(dhcp->device);
  report.dhcp = std::move(dhcp->sighting);
  if (!report.device && !report.dhcp) return Dropped(DropReason::kUninteresting);
  return report;
}

// A neighbour that is a switch's port is no device of the segment; a host that speaks LLDP is one.
FrameReport Heard(Neighbour neighbour, const EthernetFrame& frame, const WatchedInterface& on) {
  FrameReport report;
  report.protocol = neighbour.protocol;
  if (!neighbour.is_switch && IsDeviceMac(frame.source)) {
    report.device =
        Observation{frame.source, 0, on.name, frame.vlan, neighbour.protocol, neighbour.name};
  }
  neighbour.mac = frame.source;
  neighbour.interface = on.name;
  if (neighbour.vlan == 0) neighbour.vlan = frame.vlan;
  report.neighbour = std::move(neighbour);
  return report;
}

FrameReport ObserveLldp(const EthernetFrame& frame, const WatchedInterface& on) {
  const auto lldp = wire::ParseLldp(frame.payload);
  if (!lldp.ok()) return Dropped(DropReason::kMalformed);
  namespace capability = wire::lldp_capability;
  Neighbour neighbour;
  neighbour.protocol = Source::kLldp;
  neighbour.chassis = Shown(lldp->chassis_id);
  neighbour.name = Shown(lldp->system_name);
  neighbour.port = Shown(lldp->port_id);
  neighbour.port_description = Shown(lldp->port_description, limits::kMaxDescriptionBytes);
  neighbour.description = Shown(lldp->system_description, limits::kMaxDescriptionBytes);
  neighbour.is_switch = (lldp->capabilities & (capability::kBridge | capability::kRouter |
                                               capability::kAccessPoint)) != 0 &&
                        (lldp->capabilities & capability::kTelephone) == 0;
  neighbour.vlan = lldp->port_vlan.value_or(0);
  neighbour.address = lldp->management_address.value_or(0);
  neighbour.valid_for = absl::Seconds(lldp->ttl_s);
  return Heard(std::move(neighbour), frame, on);
}

FrameReport ObserveCdp(const EthernetFrame& frame, const WatchedInterface& on) {
  const auto cdp = wire::ParseCdp(frame.payload);
  if (!cdp.ok()) return Dropped(DropReason::kMalformed);
  namespace capability = wire::cdp_capability;
  Neighbour neighbour;
  neighbour.protocol = Source::kCdp;
  neighbour.chassis = neighbour.name = Shown(cdp->device_id);
  neighbour.port = Shown(cdp->port_id);
  neighbour.description = Shown(cdp->platform, limits::kMaxDescriptionBytes);
  neighbour.is_switch = (cdp->capabilities & (capability::kRouter | capability::kTransparentBridge |
                                              capability::kSwitch)) != 0 &&
                        (cdp->capabilities & capability::kPhone) == 0;
  neighbour.vlan = cdp->native_vlan.value_or(0);
  neighbour.address = cdp->address.value_or(0);
  neighbour.valid_for = absl::Seconds(cdp->ttl_s);
  return Heard(std::move(neighbour), frame, on);
}

}  // namespace

FrameReport ObserveFrame(wire::Bytes bytes, const WatchedInterface& on) {
  const auto frame = wire::ParseEthernet(bytes);
  if (!frame.ok()) return Dropped(DropReason::kMalformed);
  if (frame->source == on.mac) return Dropped(DropReason::kOwn);
  switch (frame->ethertype) {
    case wire::kEthertypeArp:
      return ObserveArpFrame(*frame, on);
    case wire::kEthertypeIpv4:
      return ObserveUdp(*frame, on);
    case wire::kEthertypeLldp:
      return ObserveLldp(*frame, on);
    default:
      if (frame->ethertype <= wire::kMaxLengthField && frame->destination == wire::kCdpGroup)
        return ObserveCdp(*frame, on);
      return Dropped(DropReason::kUninteresting);
  }
}

}  // namespace tentacle::discovery
