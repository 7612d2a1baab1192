#include "services/discovery/scan_rules.h"

#include <string>

#include "libs/net/network.h"

namespace tentacle::discovery {

namespace {

template <class Texts>
std::vector<NetworkRule> Rules(const Texts& texts) {
  std::vector<NetworkRule> rules;
  for (const std::string& text : texts) {
    const auto network = net::ParseNetwork(text);
    if (network.ok())
      rules.push_back({network->interface, network->address, network->prefix_length});
  }
  return rules;
}

}  // namespace

ScanRules RulesOf(const config::v1::DiscoveryConfig& config) {
  return {Rules(config.networks()), Rules(config.exclude()), config.allow_large_networks()};
}

std::vector<std::uint32_t> ListedServers(const config::v1::DiscoveryConfig& config) {
  std::vector<std::uint32_t> servers;
  for (const std::string& text : config.dhcp_servers()) {
    const auto address = net::ParseIpv4Address(text);
    if (address.ok()) servers.push_back(*address);
  }
  return servers;
}

std::vector<NetworkRule> UnnumberedNetworks(const ScanRules& rules) {
  std::vector<NetworkRule> named;
  for (const NetworkRule& rule : rules.networks) {
    if (!rule.interface.empty()) named.push_back(rule);
  }
  return named;
}

}  // namespace tentacle::discovery
