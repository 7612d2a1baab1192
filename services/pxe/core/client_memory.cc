#include "services/pxe/core/client_memory.h"

#include "services/pxe/limits.h"

namespace tentacle::pxe {

void ClientMemory::Answered(const wire::MacAddress& mac, TransferCaps caps, absl::Time now) {
  if (clients_.size() >= limits::kMaxTasks && !clients_.contains(mac)) {
    std::erase_if(clients_, [now](const auto& one) {
      return now - one.second.answered > limits::kClientKept;
    });
    std::erase_if(by_address_, [this](const auto& one) { return !clients_.contains(one.second); });
    if (clients_.size() >= limits::kMaxTasks) return;
  }
  Client& client = clients_[mac];
  client.caps = caps;
  client.answered = now;
}

void ClientMemory::Bound(const wire::MacAddress& mac, std::uint32_t address) {
  const auto at = clients_.find(mac);
  if (at == clients_.end() || address == 0 || at->second.address == address) return;
  const auto before = by_address_.find(at->second.address);
  if (before != by_address_.end() && before->second == mac) by_address_.erase(before);
  at->second.address = address;
  by_address_[address] = mac;
}

bool ClientMemory::RelaysAreServed(absl::Time now) const {
  return now - relayed_ <= limits::kRelayServed;
}

std::optional<wire::MacAddress> ClientMemory::MacAt(std::uint32_t address) const {
  const auto at = by_address_.find(address);
  if (at == by_address_.end()) return std::nullopt;
  return at->second;
}

TransferCaps ClientMemory::CapsOf(const wire::MacAddress& mac) const {
  const auto at = clients_.find(mac);
  return at == clients_.end() ? TransferCaps{} : at->second.caps;
}

void ClientMemory::FirstBlockLost(std::uint32_t address, absl::Time now) {
  if (narrow_.size() >= limits::kMaxTasks) {
    std::erase_if(narrow_,
                  [now](const auto& one) { return now - one.second > limits::kNarrowKept; });
    if (narrow_.size() >= limits::kMaxTasks) return;
  }
  narrow_[address] = now;
}

bool ClientMemory::WantsSmallBlocks(std::uint32_t address, absl::Time now) const {
  const auto at = narrow_.find(address);
  return at != narrow_.end() && now - at->second <= limits::kNarrowKept;
}

}  // namespace tentacle::pxe
