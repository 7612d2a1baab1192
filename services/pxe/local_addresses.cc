#include "services/pxe/local_addresses.h"

#include <algorithm>

#include "services/pxe/limits.h"

namespace tentacle::pxe {

namespace {

bool Contains(const net::InterfaceAddress& network, std::uint32_t address) {
  if (network.prefix_length == 0) return false;
  return ((network.address ^ address) >> (32 - std::min(network.prefix_length, 32u))) == 0;
}

}  // namespace

const net::InterfaceAddress* LocalAddresses::Find(int interface_index,
                                                  std::uint32_t asked,
                                                  std::uint32_t peer) const {
  const net::InterfaceAddress* found = nullptr;
  for (const net::InterfaceAddress& one : list_) {
    if (one.index != interface_index) continue;
    if (one.address == asked) return &one;
    if (found == nullptr || (!Contains(*found, peer) && Contains(one, peer))) found = &one;
  }
  return found;
}

bool LocalAddresses::Serves(const net::InterfaceAddress& one) const {
  const bool named = std::find(served_.begin(), served_.end(), one.name) != served_.end();
  return named || (!one.loopback && served_.empty());
}

void LocalAddresses::Refresh(absl::Time now) {
  if (auto list = net::ListInterfaceAddresses(); list.ok()) list_ = *std::move(list);
  read_at_ = now;
}

std::optional<std::uint32_t> LocalAddresses::ServedAddress(int interface_index,
                                                           std::uint32_t asked,
                                                           std::uint32_t peer,
                                                           absl::Time now) {
  const bool unknown = Find(interface_index, asked, peer) == nullptr;
  if (now - read_at_ > (unknown ? limits::kAddressesAgain : limits::kAddressesFresh)) Refresh(now);
  const net::InterfaceAddress* found = Find(interface_index, asked, peer);
  if (found == nullptr || !Serves(*found)) return std::nullopt;
  return found->address;
}

bool LocalAddresses::OnLink(std::uint32_t address, absl::Time now) {
  if (now - read_at_ > limits::kAddressesFresh) Refresh(now);
  return std::any_of(list_.begin(), list_.end(),
                     [address](const auto& one) { return Contains(one, address); });
}

}  // namespace tentacle::pxe
