#include "services/discovery/report.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "services/discovery/device_message.h"
#include "services/discovery/limits.h"

namespace tentacle::discovery {

namespace {

namespace json = boost::json;

json::array Ports(const Device& device) {
  json::array list;
  for (const OpenPort& port : device.ports) {
    json::object one = {{"port", port.port}, {"service", port.service}};
    if (!port.banner.empty()) one["banner"] = port.banner;
    list.push_back(std::move(one));
  }
  return list;
}

json::object LeaseBody(const Lease& lease) {
  json::object body = {{"ip", AddressText(lease.address)},
                       {"server", AddressText(lease.server)},
                       {"since", TimeText(lease.since)},
                       {"confirmed", lease.confirmed}};
  if (lease.duration > absl::ZeroDuration()) body["seconds"] = absl::ToInt64Seconds(lease.duration);
  return body;
}

void PutEvidence(const Device& device, json::object* body) {
  json::array names;
  for (const NameEvidence& name : device.names) {
    names.push_back(
        {{"source", SourceName(name.source)}, {"name", name.name}, {"seen", TimeText(name.seen)}});
  }
  if (!names.empty()) (*body)["names"] = std::move(names);
  json::array addresses;
  for (const AddressUse& use : device.addresses) {
    addresses.push_back({{"ip", AddressText(use.address)},
                         {"firstSeen", TimeText(use.first_seen)},
                         {"lastSeen", TimeText(use.last_seen)}});
  }
  if (addresses.size() > 1) (*body)["addresses"] = std::move(addresses);
  json::array wakes;
  for (const WakeRecord& wake : device.wakes) {
    wakes.push_back({{"method", wake.method}, {"tried", wake.tried}, {"woke", wake.woke}});
  }
  if (!wakes.empty()) (*body)["wakes"] = std::move(wakes);
}

// What is usual is left out.
json::object DeviceBody(const Device& device) {
  json::object body = {{"mac", device.mac.ToString()},
                       {"ip", AddressText(device.address)},
                       {"hostname", device.hostname},
                       {"vendor", device.vendor},
                       {"interface", device.interface},
                       {"firstSeen", TimeText(device.first_seen)},
                       {"lastSeen", TimeText(device.last_seen)},
                       {"state", PresenceStateName(device.presence.state)}};
  PutEvidence(device, &body);
  if (device.vlan != 0) body["vlan"] = device.vlan;
  if (IsRandomMac(device.mac)) body["randomMac"] = true;
  if (device.suspect) body["suspect"] = true;
  if (device.folded_into != wire::MacAddress{}) body["deviceMac"] = device.folded_into.ToString();
  if (const auto system = SystemHint(device); !system.empty()) body["system"] = system;
  if (!device.fingerprint.empty()) body["dhcpFingerprint"] = device.fingerprint;
  if (!device.vendor_class.empty()) body["dhcpVendorClass"] = device.vendor_class;
  if (device.lease) body["lease"] = LeaseBody(*device.lease);
  if (!device.ports.empty()) body["ports"] = Ports(device);
  return body;
}

// As many devices as fit into one event, by number and by octets; what is taken is taken off
// `left`.
json::array TakePart(Devices* left) {
  json::array list;
  std::size_t octets = 0;
  while (!left->empty() && list.size() < limits::kMaxDevicesPerEvent) {
    json::object body = DeviceBody(*left->front());
    octets += json::serialize(body).size();
    if (!list.empty() && octets > limits::kMaxEventDeviceBytes) break;
    list.push_back(std::move(body));
    *left = left->subspan(1);
  }
  return list;
}

json::object ServerBody(const DhcpServer& server) {
  json::object body = {{"ip", AddressText(server.address)},
                       {"mac", server.mac == wire::MacAddress{} ? "" : server.mac.ToString()},
                       {"interface", server.interface},
                       {"verdict", ServerVerdictName(server.verdict)},
                       {"offers", server.offers},
                       {"acks", server.acks},
                       {"boots", server.boots},
                       {"firstSeen", TimeText(server.first_seen)},
                       {"lastSeen", TimeText(server.last_seen)}};
  if (server.vlan != 0) body["vlan"] = server.vlan;
  return body;
}

json::object NeighbourBody(const Neighbour& neighbour) {
  json::object body = {{"protocol", SourceName(neighbour.protocol)},
                       {"interface", neighbour.interface},
                       {"chassis", neighbour.chassis},
                       {"name", neighbour.name},
                       {"port", neighbour.port},
                       {"portDescription", neighbour.port_description},
                       {"description", neighbour.description},
                       {"isSwitch", neighbour.is_switch},
                       {"mac", neighbour.mac.ToString()},
                       {"ip", AddressText(neighbour.address)},
                       {"lastSeen", TimeText(neighbour.last_seen)}};
  if (neighbour.vlan != 0) body["vlan"] = neighbour.vlan;
  return body;
}

// Tenths are more than anybody reads.
double Tenths(double value) {
  return std::round(value * 10) / 10;
}

json::object PingBody(const PingReport& ping) {
  const Availability& availability = ping.availability;
  return {{"ip", AddressText(ping.address)},
          {"roundTripMs", Tenths(absl::ToDoubleMilliseconds(availability.round_trip))},
          {"lossPercent", Tenths(availability.loss_percent)},
          {"hourPercent", Tenths(availability.hour_percent.value_or(0))},
          {"dayPercent", Tenths(availability.day_percent.value_or(0))},
          {"weekPercent", Tenths(availability.week_percent.value_or(0))}};
}

json::object TopologyBody(const Topology& topology) {
  json::array nodes;
  for (const TopologyNode& node : topology.nodes) {
    nodes.push_back(
        {{"id", node.id}, {"kind", node.kind}, {"label", node.label}, {"detail", node.detail}});
  }
  json::array edges;
  for (const TopologyEdge& edge : topology.edges) {
    edges.push_back({{"from", edge.from},
                     {"to", edge.to},
                     {"label", edge.label},
                     {"evidence", edge.evidence},
                     {"seen", TimeText(edge.seen)}});
  }
  return {{"nodes", std::move(nodes)},
          {"edges", std::move(edges)},
          {"omittedDevices", topology.omitted_devices}};
}

}  // namespace

std::string ScanResultBody(const ScanResult& result,
                           std::string_view scan_id,
                           std::size_t suspects,
                           Devices* left) {
  json::object body = {{"scanId", scan_id},
                       {"startedAt", TimeText(result.started_at)},
                       {"finishedAt", TimeText(result.finished_at)},
                       {"targets", result.targets},
                       {"devices", TakePart(left)}};
  if (suspects > 0) body["suspects"] = suspects;
  return json::serialize(body);
}

DeviceReport DeviceChangeBodies(Devices devices,
                                std::span<const wire::MacAddress> forgotten,
                                std::uint64_t previous) {
  DeviceReport report;
  report.revision = previous;
  while (!devices.empty() || !forgotten.empty()) {
    json::object body = {{"previous", report.revision}, {"revision", report.revision + 1}};
    body["devices"] = TakePart(&devices);
    const auto gone = forgotten.first(std::min(forgotten.size(), limits::kMaxDevicesPerEvent));
    json::array macs;
    for (const wire::MacAddress& mac : gone)
      macs.emplace_back(mac.ToString());
    body["forgotten"] = std::move(macs);
    forgotten = forgotten.subspan(gone.size());
    report.bodies.push_back(json::serialize(body));
    ++report.revision;
  }
  return report;
}

std::vector<std::string> SnapshotBodies(Devices devices,
                                        std::uint64_t revision,
                                        std::string_view command_id) {
  std::vector<json::object> parts;
  do {
    json::object body = {
        {"revision", revision}, {"part", parts.size() + 1}, {"devices", TakePart(&devices)}};
    if (!command_id.empty()) body["commandId"] = command_id;
    parts.push_back(std::move(body));
  } while (!devices.empty());
  std::vector<std::string> bodies;
  for (json::object& part : parts) {
    part["parts"] = parts.size();
    bodies.push_back(json::serialize(part));
  }
  return bodies;
}

std::string RogueBody(const RogueAlert& alert, absl::Time now) {
  json::object body = ServerBody(alert.server);
  json::array reasons;
  for (const std::string_view reason : alert.reasons)
    reasons.emplace_back(reason);
  body["reasons"] = std::move(reasons);
  body["offered"] = AddressText(alert.sighting.address);
  body["nextServer"] = AddressText(alert.sighting.next_server);
  body["bootFile"] = alert.sighting.boot_file;
  body["time"] = TimeText(now);
  // The one that spoke, also when it pretends to be one that is known.
  if (alert.sighting.server_mac != wire::MacAddress{})
    body["mac"] = alert.sighting.server_mac.ToString();
  if (alert.suppressed > 0) body["suppressed"] = alert.suppressed;
  return json::serialize(body);
}

std::string ConflictBody(const Conflict& conflict, absl::Time now) {
  return json::serialize(json::object{{"kind", ConflictKindName(conflict.kind)},
                                      {"ip", AddressText(conflict.address)},
                                      {"before", conflict.before.ToString()},
                                      {"after", conflict.after.ToString()},
                                      {"time", TimeText(now)}});
}

std::string FloodBody(absl::Time started, std::size_t cards, bool over, absl::Time now) {
  return json::serialize(json::object{{"kind", over ? "flood-over" : "flood"},
                                      {"since", TimeText(started)},
                                      {"cards", cards},
                                      {"time", TimeText(now)}});
}

std::string SegmentBody(const TopologyFacts& facts,
                        const Topology& topology,
                        const std::vector<PingReport>& pings) {
  json::array servers;
  for (const DhcpServer& server : facts.dhcp_servers)
    servers.push_back(ServerBody(server));
  json::array neighbours;
  for (const Neighbour& neighbour : facts.neighbours)
    neighbours.push_back(NeighbourBody(neighbour));
  json::array gateways;
  for (const std::uint32_t gateway : facts.gateways)
    gateways.emplace_back(AddressText(gateway));
  json::object body = {{"time", TimeText(facts.now)},
                       {"dhcpServers", std::move(servers)},
                       {"neighbours", std::move(neighbours)},
                       {"gateways", std::move(gateways)},
                       {"topology", TopologyBody(topology)}};
  json::array pinged;
  for (const PingReport& ping : pings)
    pinged.push_back(PingBody(ping));
  if (!pinged.empty()) body["pings"] = std::move(pinged);
  return json::serialize(body);
}

std::string WakeSentBody(std::string_view command_id,
                         const wire::MacAddress& mac,
                         std::uint32_t packets) {
  json::object body;
  if (!command_id.empty()) body["commandId"] = command_id;
  body["mac"] = mac.ToString();
  body["packets"] = packets;
  return json::serialize(body);
}

std::string WakeResultBody(const WakeOutcome& outcome) {
  json::object body;
  if (!outcome.command_id.empty()) body["commandId"] = outcome.command_id;
  body["mac"] = outcome.mac.ToString();
  body["state"] = outcome.state;
  body["afterMs"] = absl::ToInt64Milliseconds(outcome.after);
  if (!outcome.evidence.empty()) body["evidence"] = outcome.evidence;
  body["methods"] = json::array(outcome.methods.begin(), outcome.methods.end());
  return json::serialize(body);
}

}  // namespace tentacle::discovery
