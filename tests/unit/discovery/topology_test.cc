#include "services/discovery/core/topology.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "services/discovery/limits.h"

namespace tentacle::discovery {
namespace {

const absl::Time kNoon = absl::FromUnixSeconds(1'700'000'000);

Device MakeDevice(std::uint32_t n) {
  Device device;
  device.mac.octets = {
      0x00, 0x0c, 0x29, 0, static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n)};
  device.address = 0x0a000000 + n;
  device.interface = "eth0";
  device.last_seen = kNoon;
  return device;
}

// The facts of these devices, which have to outlive them.
TopologyFacts Facts(const std::vector<Device>& devices) {
  TopologyFacts facts;
  facts.tentacle = "branch";
  facts.now = kNoon;
  WatchedInterface interface;
  interface.name = "eth0";
  interface.subnets = {{"eth0", 0x0a0000fe, 24}};
  facts.interfaces = {interface};
  facts.gateways = {0x0a000001};
  for (const Device& device : devices)
    facts.devices.push_back(&device);
  return facts;
}

const TopologyEdge* Find(const Topology& graph, const std::string& from, const std::string& to) {
  const auto found =
      std::find_if(graph.edges.begin(), graph.edges.end(),
                   [&](const TopologyEdge& e) { return e.from == from && e.to == to; });
  return found == graph.edges.end() ? nullptr : &*found;
}

TEST(Topology, DevicesHangOnTheirNetworkAndTheGatewayIsTold) {
  const std::vector<Device> devices = {MakeDevice(1), MakeDevice(2)};
  const Topology graph = BuildTopology(Facts(devices));
  const auto* edge = Find(graph, "network:eth0:10.0.0.0/24", "device:00:0c:29:00:00:02");
  ASSERT_NE(edge, nullptr);
  EXPECT_EQ(edge->evidence, "arp");
  EXPECT_EQ(edge->seen, kNoon);
  const auto* route = Find(graph, "tentacle", "device:00:0c:29:00:00:01");
  ASSERT_NE(route, nullptr);
  EXPECT_EQ(route->evidence, "route");
}

TEST(Topology, TheSwitchAndItsPortAreBetweenUsAndTheNetwork) {
  TopologyFacts facts = Facts({});
  Neighbour neighbour;
  neighbour.interface = "eth0";
  neighbour.name = "sw-1";
  neighbour.port = "Gi1/0/7";
  neighbour.is_switch = true;
  neighbour.vlan = 20;
  neighbour.last_seen = kNoon;
  facts.neighbours = {neighbour};
  const Topology graph = BuildTopology(facts);
  const auto* port = Find(graph, "tentacle", "switch:sw-1");
  ASSERT_NE(port, nullptr);
  EXPECT_EQ(port->label, "eth0 - Gi1/0/7");
  EXPECT_EQ(port->evidence, "lldp");
  EXPECT_NE(Find(graph, "switch:sw-1", "network:eth0:10.0.0.0/24"), nullptr);
  EXPECT_NE(Find(graph, "switch:sw-1", "vlan:20"), nullptr);
}

TEST(Topology, SuspectAndFoldedCardsAreLeftOut) {
  std::vector<Device> devices = {MakeDevice(1), MakeDevice(2)};
  devices[0].suspect = true;
  devices[1].folded_into = devices[0].mac;
  for (const TopologyNode& node : BuildTopology(Facts(devices)).nodes)
    EXPECT_NE(node.kind, "device");
}

TEST(Topology, IsBoundedAndNoEdgeLeadsNowhere) {
  std::vector<Device> devices;
  for (std::uint32_t n = 1; n < 3000; ++n)
    devices.push_back(MakeDevice(n));
  const Topology graph = BuildTopology(Facts(devices));
  EXPECT_EQ(graph.omitted_devices, devices.size() - limits::kMaxTopologyDevices);
  for (const TopologyEdge& edge : graph.edges) {
    const auto is_to = [&edge](const TopologyNode& node) { return node.id == edge.to; };
    EXPECT_TRUE(std::any_of(graph.nodes.begin(), graph.nodes.end(), is_to)) << edge.to;
  }
}

}  // namespace
}  // namespace tentacle::discovery
