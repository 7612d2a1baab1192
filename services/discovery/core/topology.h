// The segment as a graph: this tentacle, its switches and networks, gateways, VLANs and devices,
// each edge with what told of it and when.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <absl/time/time.h>

#include "services/discovery/core/device.h"
#include "services/discovery/core/dhcp_servers.h"
#include "services/discovery/core/neighbours.h"
#include "services/discovery/core/watched_interface.h"

namespace tentacle::discovery {

struct TopologyNode {
  std::string id;
  std::string kind;  // tentacle, network, vlan, switch, gateway, device.
  std::string label;
  std::string detail;
};

struct TopologyEdge {
  std::string from;
  std::string to;
  std::string label;
  std::string evidence;  // arp, dhcp, lldp, cdp, vlan-tag, route, configuration.
  absl::Time seen;
};

struct Topology {
  std::vector<TopologyNode> nodes;
  std::vector<TopologyEdge> edges;
  std::size_t omitted_devices = 0;
};

// The devices are whose they are: the table's, until it is changed.
struct TopologyFacts {
  std::string tentacle;  // Its name.
  std::vector<WatchedInterface> interfaces;
  std::set<std::uint32_t> gateways;
  std::vector<const Device*> devices;
  std::vector<Neighbour> neighbours;
  std::vector<DhcpServer> dhcp_servers;
  absl::Time now;
};

// At most limits::kMaxTopologyDevices devices; suspect and folded ones are left out.
Topology BuildTopology(const TopologyFacts& facts);

}  // namespace tentacle::discovery
