#include "libs/net/interfaces.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>

namespace tentacle::net {

namespace {

std::uint32_t ToHost(const sockaddr* address) {
  sockaddr_in in{};
  std::memcpy(&in, address, sizeof in);
  return ntohl(in.sin_addr.s_addr);
}

std::uint32_t ReadMtu(int fd, const std::string& name) {
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  if (::ioctl(fd, SIOCGIFMTU, &request) != 0 || request.ifr_mtu <= 0) return 1500;
  return static_cast<std::uint32_t>(request.ifr_mtu);
}

// Those that are up and have no IPv4 address.
void AddUnnumbered(const ifaddrs* list,
                   const std::map<std::string, std::array<std::uint8_t, 6>>& macs,
                   std::vector<InterfaceAddress>* result) {
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_PACKET) continue;
    const auto mac = macs.find(entry->ifa_name);
    if ((entry->ifa_flags & IFF_UP) == 0 || mac == macs.end()) continue;
    const auto same = [entry](const InterfaceAddress& one) { return one.name == entry->ifa_name; };
    if (std::any_of(result->begin(), result->end(), same)) continue;
    InterfaceAddress one;
    one.name = entry->ifa_name;
    one.index = static_cast<int>(::if_nametoindex(entry->ifa_name));
    one.mac = mac->second;
    one.loopback = (entry->ifa_flags & IFF_LOOPBACK) != 0;
    result->push_back(std::move(one));
  }
}

absl::StatusOr<std::vector<InterfaceAddress>> List(bool with_unnumbered) {
  ifaddrs* raw = nullptr;
  if (::getifaddrs(&raw) != 0) return absl::ErrnoToStatus(errno, "getifaddrs");
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> list(raw, &::freeifaddrs);

  std::map<std::string, std::array<std::uint8_t, 6>> macs;
  for (const ifaddrs* entry = raw; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_PACKET) continue;
    sockaddr_ll link{};
    std::memcpy(&link, entry->ifa_addr, sizeof link);
    if (link.sll_halen == 6) std::copy_n(link.sll_addr, 6, macs[entry->ifa_name].begin());
  }

  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return absl::ErrnoToStatus(errno, "socket");
  std::vector<InterfaceAddress> result;
  for (const ifaddrs* entry = raw; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET) continue;
    if ((entry->ifa_flags & IFF_UP) == 0 || entry->ifa_netmask == nullptr) continue;
    InterfaceAddress one;
    one.name = entry->ifa_name;
    one.index = static_cast<int>(::if_nametoindex(entry->ifa_name));
    one.address = ToHost(entry->ifa_addr);
    one.prefix_length = static_cast<std::uint32_t>(std::popcount(ToHost(entry->ifa_netmask)));
    one.loopback = (entry->ifa_flags & IFF_LOOPBACK) != 0;
    one.mtu = ReadMtu(fd, one.name);
    if (const auto mac = macs.find(one.name); mac != macs.end()) one.mac = mac->second;
    result.push_back(std::move(one));
  }
  ::close(fd);
  if (with_unnumbered) AddUnnumbered(raw, macs, &result);
  return result;
}

}  // namespace

absl::StatusOr<std::vector<InterfaceAddress>> ListInterfaceAddresses() {
  return List(false);
}

absl::StatusOr<std::vector<InterfaceAddress>> ListInterfacesAndAddresses() {
  return List(true);
}

std::vector<std::uint32_t> DefaultGateways() {
  // proc(5): interface, destination, gateway, ... in hex as the machine stores them.
  std::ifstream routes("/proc/net/route");
  std::vector<std::uint32_t> gateways;
  std::string line;
  std::getline(routes, line);
  while (std::getline(routes, line)) {
    std::istringstream fields(line);
    std::string interface;
    std::uint32_t destination = 0;
    std::uint32_t gateway = 0;
    if (!(fields >> interface >> std::hex >> destination >> gateway)) continue;
    if (destination == 0 && gateway != 0) gateways.push_back(ntohl(gateway));
  }
  return gateways;
}

}  // namespace tentacle::net
