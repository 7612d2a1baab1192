#include "services/discovery/core/topology.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "services/discovery/limits.h"

namespace tentacle::discovery {

namespace {

constexpr char kTentacle[] = "tentacle";

std::string Dotted(std::uint32_t address) {
  return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 0xff, address >> 8 & 0xff,
                     address & 0xff);
}

std::string NetworkId(const Subnet& subnet) {
  return fmt::format("network:{}:{}", subnet.interface, NetworkName(subnet));
}

class Builder {
 public:
  explicit Builder(const TopologyFacts& facts) : facts_(facts) {}

  Topology Build() {
    Node(kTentacle, "tentacle", facts_.tentacle, "");
    for (const Neighbour& neighbour : facts_.neighbours)
      AddNeighbour(neighbour);
    for (const WatchedInterface& interface : facts_.interfaces)
      AddNetworks(interface);
    for (const Device* device : facts_.devices)
      AddDevice(*device);
    return std::move(graph_);
  }

 private:
  void Node(const std::string& id,
            const char* kind,
            const std::string& label,
            const std::string& detail) {
    if (seen_.insert(id).second) graph_.nodes.push_back({id, kind, label, detail});
  }

  void Edge(const std::string& from,
            const std::string& to,
            const std::string& label,
            std::string_view evidence,
            absl::Time seen) {
    graph_.edges.push_back({from, to, label, std::string(evidence), seen});
  }

  // The port that this host hangs on. A switch that speaks both protocols is one, when it says the
  // same name.
  void AddNeighbour(const Neighbour& neighbour) {
    if (!neighbour.is_switch) return;
    const std::string& name = neighbour.name.empty() ? neighbour.chassis : neighbour.name;
    const std::string id = "switch:" + name;
    const std::string detail = neighbour.address == 0
                                   ? neighbour.description
                                   : Dotted(neighbour.address) + " " + neighbour.description;
    Node(id, "switch", name, detail);
    Edge(kTentacle, id, fmt::format("{} - {}", neighbour.interface, neighbour.port),
         SourceName(neighbour.protocol), neighbour.last_seen);
    switch_of_.emplace(neighbour.interface, id);
    if (neighbour.vlan != 0)
      AddVlan(neighbour.vlan, id, SourceName(neighbour.protocol), neighbour.last_seen);
  }

  void AddVlan(std::uint16_t vlan,
               const std::string& member,
               std::string_view evidence,
               absl::Time seen) {
    const std::string id = fmt::format("vlan:{}", vlan);
    Node(id, "vlan", fmt::format("VLAN {}", vlan), "");
    Edge(member, id, "", evidence, seen);
  }

  void AddNetworks(const WatchedInterface& interface) {
    for (const Subnet& subnet : interface.subnets) {
      const std::string id = NetworkId(subnet);
      Node(id, "network", NetworkName(subnet), interface.name);
      Edge(kTentacle, id, subnet.has_address ? Dotted(subnet.own_address) : interface.name,
           "configuration", facts_.now);
      const auto on = switch_of_.find(interface.name);
      if (on != switch_of_.end()) Edge(on->second, id, "", "configuration", facts_.now);
    }
  }

  void AddDevice(const Device& device) {
    if (device.suspect || device.folded_into != wire::MacAddress{}) return;
    if (devices_ == limits::kMaxTopologyDevices) {
      ++graph_.omitted_devices;
      return;
    }
    ++devices_;
    const std::string id = "device:" + device.mac.ToString();
    const bool is_gateway = device.address != 0 && facts_.gateways.contains(device.address);
    std::string label = device.hostname;
    if (label.empty()) label = device.address != 0 ? Dotted(device.address) : device.mac.ToString();
    const std::string detail =
        fmt::format("{} {} {}", device.mac.ToString(), Dotted(device.address), device.vendor);
    Node(id, is_gateway ? "gateway" : "device", label, detail);
    const std::string network = NetworkOf(device);
    if (!network.empty()) Edge(network, id, "", "arp", device.last_seen);
    if (device.vlan != 0) AddVlan(device.vlan, id, "vlan-tag", device.last_seen);
    if (is_gateway) Edge(kTentacle, id, "default route", "route", facts_.now);
    if (device.lease) AddLease(*device.lease, id);
  }

  void AddLease(const Lease& lease, const std::string& client) {
    const auto same = [&lease](const DhcpServer& s) { return s.address == lease.server; };
    const auto server = std::find_if(facts_.dhcp_servers.begin(), facts_.dhcp_servers.end(), same);
    if (server == facts_.dhcp_servers.end() || server->mac == wire::MacAddress{}) return;
    const std::string id = "device:" + server->mac.ToString();
    if (id != client) Edge(id, client, "lease", "dhcp", lease.since);
  }

  std::string NetworkOf(const Device& device) const {
    for (const WatchedInterface& interface : facts_.interfaces) {
      if (interface.name != device.interface) continue;
      for (const Subnet& subnet : interface.subnets) {
        if (device.address == 0 || subnet.Contains(device.address)) return NetworkId(subnet);
      }
    }
    return {};
  }

  const TopologyFacts& facts_;
  Topology graph_;
  std::set<std::string> seen_;
  std::map<std::string, std::string> switch_of_;  // By interface.
  std::size_t devices_ = 0;
};

}  // namespace

Topology BuildTopology(const TopologyFacts& facts) {
  Topology graph = Builder(facts).Build();
  // An edge to a device that was left out leads nowhere.
  std::set<std::string> ids;
  for (const TopologyNode& node : graph.nodes)
    ids.insert(node.id);
  std::erase_if(graph.edges, [&ids](const TopologyEdge& edge) {
    return !ids.contains(edge.from) || !ids.contains(edge.to);
  });
  return graph;
}

}  // namespace tentacle::discovery
