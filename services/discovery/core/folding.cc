#include "services/discovery/core/folding.h"

#include <algorithm>

#include "services/discovery/limits.h"

namespace tentacle::discovery {

namespace {

std::string HabitKey(const Device& device) {
  if (device.hostname.empty() || device.fingerprint.empty()) return {};
  return "habit/" + device.hostname + "/" + device.fingerprint;
}

}  // namespace

wire::MacAddress Folding::Place(const Device& device, const Find& find, absl::Time now) {
  if (!device.client_id.empty()) {
    const auto* first = Join("id/" + device.client_id, device.mac);
    if (first != nullptr && *first != device.mac) return *first;
  }
  const std::string habit = HabitKey(device);
  if (habit.empty()) return device.mac;
  const auto* first = Join(habit, device.mac);
  if (first == nullptr || *first == device.mac) return device.mac;
  const Device* other = find(*first);
  if (other == nullptr || !MayBeTheSame(device, *other, now)) return device.mac;
  return *first;
}

const wire::MacAddress* Folding::Join(const std::string& key, const wire::MacAddress& mac) {
  Cards& cards = by_key_[key];
  if (std::find(cards.begin(), cards.end(), mac) == cards.end()) {
    if (cards.size() == limits::kMaxFoldedCards) return nullptr;
    cards.push_back(mac);
    keys_of_[mac].push_back(key);
  }
  return &cards.front();
}

bool Folding::MayBeTheSame(const Device& device, const Device& other, absl::Time now) const {
  if (!IsRandomMac(device.mac) && !IsRandomMac(other.mac)) return false;
  return now - other.last_seen > kSameTime;
}

void Folding::Forget(const wire::MacAddress& mac) {
  const auto keys = keys_of_.find(mac);
  if (keys == keys_of_.end()) return;
  for (const std::string& key : keys->second) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) continue;
    std::erase(found->second, mac);
    if (found->second.empty()) by_key_.erase(found);
  }
  keys_of_.erase(keys);
}

}  // namespace tentacle::discovery
