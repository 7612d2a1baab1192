#include "libs/config/discovery_lists.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "libs/net/network.h"

namespace tentacle::config {

namespace {

absl::Status Wrong(std::string_view list, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::InvalidArgumentError(
      fmt::format("\"discovery.{}\": {}", list, std::string(status.message())));
}

absl::Status CheckNetworks(const v1::DiscoveryConfig& discovery) {
  for (const std::string& text : discovery.networks()) {
    const auto network = net::ParseNetwork(text);
    if (!network.ok()) return Wrong("networks", network.status());
    if (network->prefix_length >= kMinNetworkPrefix) continue;
    return Wrong("networks",
                 absl::InvalidArgumentError(fmt::format(
                     "{} is larger than a /{}, which is no segment", text, kMinNetworkPrefix)));
  }
  for (const std::string& text : discovery.exclude()) {
    if (auto status = Wrong("exclude", net::ParseNetwork(text).status()); !status.ok())
      return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckDiscoveryLists(const v1::DiscoveryConfig& discovery) {
  const std::pair<std::string_view, int> sizes[] = {
      {"networks", discovery.networks_size()},
      {"exclude", discovery.exclude_size()},
      {"ports", discovery.ports_size()},
      {"dhcp_servers", discovery.dhcp_servers_size()},
      {"ping_targets", discovery.ping_targets_size()}};
  for (const auto& [list, size] : sizes) {
    if (size <= kMaxListEntries) continue;
    return Wrong(list, absl::InvalidArgumentError(
                           fmt::format("at most {} entries, got {}", kMaxListEntries, size)));
  }
  if (auto status = CheckNetworks(discovery); !status.ok()) return status;
  const std::vector<std::string> ports(discovery.ports().begin(), discovery.ports().end());
  if (auto status = Wrong("ports", net::ParsePorts(ports, kMaxScanPorts).status()); !status.ok())
    return status;
  for (const std::string& text : discovery.dhcp_servers()) {
    if (auto status = Wrong("dhcp_servers", net::ParseIpv4Address(text).status()); !status.ok())
      return status;
  }
  for (const std::string& text : discovery.ping_targets()) {
    if (text == "gateway" || text == "devices") continue;
    if (auto status = Wrong("ping_targets", net::ParseIpv4Address(text).status()); !status.ok())
      return status;
  }
  return absl::OkStatus();
}

}  // namespace tentacle::config
