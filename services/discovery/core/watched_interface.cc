#include "services/discovery/core/watched_interface.h"

#include <fmt/format.h>

#include <algorithm>

#include "services/discovery/limits.h"

namespace tentacle::discovery {

namespace {

bool IsWanted(const std::string& interface, const std::vector<std::string>& wanted) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), interface) != wanted.end();
}

WatchedInterface* Find(std::vector<WatchedInterface>& watched, const std::string& name) {
  const auto has_name = [&name](const WatchedInterface& w) { return w.name == name; };
  const auto found = std::find_if(watched.begin(), watched.end(), has_name);
  return found == watched.end() ? nullptr : &*found;
}

const NetworkRule* NetworkOf(const std::string& interface,
                             const std::vector<NetworkRule>& unnumbered) {
  for (const NetworkRule& rule : unnumbered) {
    if (rule.interface == interface) return &rule;
  }
  return nullptr;
}

void AddUnnumbered(const std::vector<NetworkRule>& unnumbered, WatchedInterface* watched) {
  for (const NetworkRule& rule : unnumbered) {
    if (rule.interface != watched->name) continue;
    const auto holds = [&rule](const Subnet& subnet) { return subnet.Contains(rule.address); };
    if (std::any_of(watched->subnets.begin(), watched->subnets.end(), holds)) continue;
    Subnet subnet{watched->name, rule.address, rule.prefix_length, false};
    subnet.own_address = subnet.network();
    watched->subnets.push_back(std::move(subnet));
  }
}

}  // namespace

bool WatchedInterface::IsNeighbour(std::uint32_t address) const {
  return std::any_of(subnets.begin(), subnets.end(), [address](const Subnet& subnet) {
    if (!subnet.Contains(address)) return false;
    // RFC 3021 section 2.1: a /31 has neither a network nor a broadcast address.
    if (subnet.prefix_length >= 31) return true;
    return address != subnet.network() && address != subnet.broadcast();
  });
}

InterfaceChoice ChooseInterfaces(const std::vector<LocalAddress>& addresses,
                                 const std::vector<std::string>& wanted,
                                 const std::vector<NetworkRule>& unnumbered) {
  InterfaceChoice choice;
  for (const LocalAddress& local : addresses) {
    if (local.loopback || local.mac == wire::MacAddress{}) continue;
    if (!IsWanted(local.interface, wanted)) continue;
    // One without an address is watched when a network is named for it, or it is itself.
    const bool named = !wanted.empty() || NetworkOf(local.interface, unnumbered) != nullptr;
    if (local.address == 0 && !named) continue;
    WatchedInterface* watched = Find(choice.watched, local.interface);
    if (watched == nullptr) {
      if (choice.watched.size() == limits::kMaxInterfaces) {
        choice.problems.push_back(fmt::format(
            "only {} interfaces are watched; list those that matter in discovery.interfaces",
            limits::kMaxInterfaces));
        break;
      }
      choice.watched.push_back({local.interface, local.interface_index, local.mac, {}});
      watched = &choice.watched.back();
    }
    if (local.address != 0)
      watched->subnets.push_back({local.interface, local.address, local.prefix_length});
  }
  for (WatchedInterface& watched : choice.watched)
    AddUnnumbered(unnumbered, &watched);
  // What has no network is listened to only for a reason.
  std::erase_if(choice.watched, [](const WatchedInterface& w) { return w.subnets.empty(); });

  for (const std::string& name : wanted) {
    if (Find(choice.watched, name) != nullptr) continue;
    choice.problems.push_back(
        fmt::format("interface {} is not an Ethernet that is up and has an IPv4 address", name));
  }
  if (choice.watched.empty() && wanted.empty()) {
    choice.problems.push_back("no Ethernet interface of this host has an IPv4 address");
  }
  return choice;
}

}  // namespace tentacle::discovery
