#include "services/pxe/local_addresses.h"

#include <algorithm>

#include "services/pxe/limits.h"

namespace tentacle::pxe {

const net::InterfaceAddress* LocalAddresses::Find(int interface_index) const {
  for (const net::InterfaceAddress& one : list_) {
    if (one.index == interface_index) return &one;
  }
  return nullptr;
}

std::optional<std::uint32_t> LocalAddresses::ServedAddress(int interface_index, absl::Time now) {
  if (now - read_at_ > limits::kAddressesFresh || Find(interface_index) == nullptr) {
    if (auto list = net::ListInterfaceAddresses(); list.ok()) list_ = *std::move(list);
    read_at_ = now;
  }
  const net::InterfaceAddress* found = Find(interface_index);
  if (found == nullptr) return std::nullopt;
  const bool named = std::find(served_.begin(), served_.end(), found->name) != served_.end();
  if (!named && (found->loopback || !served_.empty())) return std::nullopt;
  return found->address;
}

}  // namespace tentacle::pxe
