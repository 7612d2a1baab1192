#include "services/discovery/core/device_table.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "services/discovery/core/oui.h"
#include "services/discovery/limits.h"

namespace tentacle::discovery {

namespace {

void SortByAddress(std::vector<const Device*>& devices) {
  std::sort(devices.begin(), devices.end(), [](const Device* a, const Device* b) {
    return std::tie(a->address, a->mac) < std::tie(b->address, b->mac);
  });
}

// The latest first; the one that was used longest ago makes room.
void UseAddress(Device& device, std::uint32_t address, absl::Time now) {
  const auto same = [address](const AddressUse& use) { return use.address == address; };
  const auto found = std::find_if(device.addresses.begin(), device.addresses.end(), same);
  AddressUse use{address, now, now};
  if (found != device.addresses.end()) {
    use.first_seen = found->first_seen;
    device.addresses.erase(found);
  }
  if (device.addresses.size() == limits::kMaxAddressesPerDevice) device.addresses.pop_back();
  device.addresses.insert(device.addresses.begin(), use);
  device.address = address;
}

// True when the device is called otherwise than before.
bool LearnName(Device& device, const Observation& observation, absl::Time now) {
  if (observation.name.empty()) return false;
  const auto same = [&observation](const NameEvidence& e) {
    return e.source == observation.source;
  };
  const auto found = std::find_if(device.names.begin(), device.names.end(), same);
  if (found == device.names.end()) {
    device.names.push_back({observation.source, observation.name, now});
  } else {
    found->name = observation.name;
    found->seen = now;
  }
  std::string best = BestName(device.names, now);
  return std::exchange(device.hostname, std::move(best)) != device.hostname;
}

bool Replace(std::string& known, const std::string& heard) {
  if (heard.empty() || heard == known) return false;
  known = heard;
  return true;
}

}  // namespace

void DeviceTable::Restore(std::vector<Device> devices) {
  std::sort(devices.begin(), devices.end(), [](const Device& a, const Device& b) {
    return std::tie(a.last_seen, a.mac) < std::tie(b.last_seen, b.mac);
  });
  for (Device& device : devices) {
    if (by_mac_.contains(device.mac)) continue;
    MakeRoom();
    Insert(std::move(device), true);
  }
  // Who stood for others stands for them again.
  const auto find = [this](const wire::MacAddress& mac) { return Find(mac); };
  for (const bool folded : {false, true}) {
    for (const auto& [mac, entry] : by_mac_) {
      const bool is_folded = entry->device.folded_into != wire::MacAddress{};
      if (is_folded == folded) folding_.Place(entry->device, find, absl::InfiniteFuture());
    }
  }
}

Change DeviceTable::Observe(const Observation& observation, absl::Time now, bool suspect) {
  Change change;
  ++observations_;
  Entry* entry = FindEntry(observation.mac);
  if (entry == nullptr) {
    change.forgotten = MakeRoom();
    Device device;
    device.mac = observation.mac;
    device.vendor = std::string(VendorOf(observation.mac));
    device.first_seen = device.last_seen = device.presence.since = now;
    device.suspect = suspect;
    device.interface = observation.interface;
    // A deletion that is still owed means that the disk has an older record.
    entry = &Insert(std::move(device), unsaved_.contains(observation.mac));
    Learn(entry->device, observation, now);
    change.kind = ChangeKind::kAppeared;
  } else {
    Entries& list = ListOf(entry->device);
    list.splice(list.end(), list, by_mac_.find(observation.mac)->second);
    Device& device = entry->device;
    change.kind = Learn(device, observation, now);
    change.presence = OnHeard(device.presence, now - device.last_seen, device.first_seen, now);
    if (change.presence && change.kind == ChangeKind::kSeenAgain)
      change.kind = ChangeKind::kLearned;
  }
  entry->seen_at = observations_;
  // A clock that was set back does not make a device older than it is.
  entry->device.last_seen = std::max(entry->device.first_seen, now);
  Fold(entry->device, now);
  unsaved_.insert(observation.mac);
  change.device = entry->device;
  return change;
}

ChangeKind DeviceTable::Learn(Device& device, const Observation& observation, absl::Time now) {
  bool moved = false;
  // A tagged frame that came to the trunk may be heard on the VLAN's own interface as well, which
  // knows better.
  if (observation.vlan == 0) {
    moved = observation.interface != device.interface;
    device.interface = observation.interface;
  }
  if (observation.address != 0) {
    moved = moved || (device.address != 0 && device.address != observation.address);
    UseAddress(device, observation.address, now);
  }
  bool learned = LearnName(device, observation, now);
  if (observation.vlan != 0 && observation.vlan != device.vlan) {
    device.vlan = observation.vlan;
    learned = true;
  }
  learned = Replace(device.fingerprint, observation.fingerprint) || learned;
  learned = Replace(device.vendor_class, observation.vendor_class) || learned;
  learned = Replace(device.client_id, observation.client_id) || learned;
  if (moved) return ChangeKind::kMoved;
  return learned ? ChangeKind::kLearned : ChangeKind::kSeenAgain;
}

void DeviceTable::Fold(Device& device, absl::Time now) {
  if (device.client_id.empty() && device.fingerprint.empty()) return;
  const auto find = [this](const wire::MacAddress& mac) { return Find(mac); };
  const wire::MacAddress first = folding_.Place(device, find, now);
  device.folded_into = first == device.mac ? wire::MacAddress{} : first;
}

bool DeviceTable::SetLease(const wire::MacAddress& mac, const Lease& lease) {
  Entry* entry = FindEntry(mac);
  if (entry == nullptr) return false;
  const std::optional<Lease> before = std::exchange(entry->device.lease, lease);
  unsaved_.insert(mac);
  return !before || before->address != lease.address || before->server != lease.server;
}

bool DeviceTable::SetPorts(const wire::MacAddress& mac, std::vector<OpenPort> ports) {
  Entry* entry = FindEntry(mac);
  if (entry == nullptr || entry->device.ports == ports) return false;
  entry->device.ports = std::move(ports);
  unsaved_.insert(mac);
  return true;
}

bool DeviceTable::SetSuspect(const wire::MacAddress& mac) {
  const auto found = by_mac_.find(mac);
  if (found == by_mac_.end() || found->second->device.suspect) return false;
  Entries& from = ListOf(found->second->device);
  found->second->device.suspect = true;
  Entries& to = ListOf(found->second->device);
  to.splice(to.end(), from, found->second);
  unsaved_.insert(mac);
  return true;
}

bool DeviceTable::CountWake(const wire::MacAddress& mac, const std::string& method, bool woke) {
  Entry* entry = FindEntry(mac);
  if (entry == nullptr) return false;
  auto& wakes = entry->device.wakes;
  const auto same = [&method](const WakeRecord& record) { return record.method == method; };
  auto found = std::find_if(wakes.begin(), wakes.end(), same);
  if (found == wakes.end()) found = wakes.insert(wakes.end(), {method, 0, 0});
  ++found->tried;
  if (woke) ++found->woke;
  unsaved_.insert(mac);
  return true;
}

std::vector<Change> DeviceTable::CheckPresence(absl::Time now,
                                               absl::Time listening_since,
                                               const PresenceRules& rules) {
  std::vector<Change> changes;
  for (Entries& list : entries_) {
    for (Entry& entry : list) {
      Device& device = entry.device;
      const absl::Duration silence = now - std::max(device.last_seen, listening_since);
      const auto state = OnSilence(device.presence, silence, now, rules);
      if (!state) continue;
      unsaved_.insert(device.mac);
      changes.push_back({ChangeKind::kLearned, device, state, std::nullopt});
    }
  }
  return changes;
}

const Device* DeviceTable::Find(const wire::MacAddress& mac) const {
  const auto found = by_mac_.find(mac);
  return found == by_mac_.end() ? nullptr : &found->second->device;
}

DeviceTable::Entry* DeviceTable::FindEntry(const wire::MacAddress& mac) {
  const auto found = by_mac_.find(mac);
  return found == by_mac_.end() ? nullptr : &*found->second;
}

DeviceTable::Entry& DeviceTable::Insert(Device device, bool stored) {
  const wire::MacAddress mac = device.mac;
  Entries& list = ListOf(device);
  list.push_back({std::move(device), 0, stored});
  by_mac_.emplace(mac, std::prev(list.end()));
  return list.back();
}

std::optional<wire::MacAddress> DeviceTable::MakeRoom() {
  if (by_mac_.size() < capacity_) return std::nullopt;
  Entries& list = entries_[1].empty() ? entries_[0] : entries_[1];
  const wire::MacAddress oldest = list.front().device.mac;
  if (list.front().stored) {
    unsaved_.insert(oldest);
  } else {
    unsaved_.erase(oldest);
  }
  folding_.Forget(oldest);
  by_mac_.erase(oldest);
  list.pop_front();
  return oldest;
}

std::vector<wire::MacAddress> DeviceTable::SeenSince(std::uint64_t mark) const {
  std::vector<const Device*> seen;
  for (const Entries& list : entries_) {
    for (auto entry = list.rbegin(); entry != list.rend() && entry->seen_at > mark; ++entry) {
      seen.push_back(&entry->device);
    }
  }
  SortByAddress(seen);
  std::vector<wire::MacAddress> macs;
  macs.reserve(seen.size());
  for (const Device* device : seen)
    macs.push_back(device->mac);
  return macs;
}

std::vector<const Device*> DeviceTable::Latest(std::size_t max) const {
  std::vector<const Device*> devices;
  devices.reserve(std::min(max, by_mac_.size()));
  for (const Entries& list : entries_) {
    for (auto entry = list.rbegin(); entry != list.rend() && devices.size() < max; ++entry) {
      devices.push_back(&entry->device);
    }
  }
  SortByAddress(devices);
  return devices;
}

DeviceTable::Unsaved DeviceTable::TakeUnsaved(std::size_t max) {
  Unsaved unsaved;
  for (std::size_t taken = 0; taken < max && !unsaved_.empty(); ++taken) {
    const wire::MacAddress mac = *unsaved_.begin();
    unsaved_.erase(unsaved_.begin());
    const auto found = by_mac_.find(mac);
    if (found == by_mac_.end()) {
      unsaved.forgotten.push_back(mac);
    } else {
      unsaved.changed.push_back(found->second->device);
    }
  }
  return unsaved;
}

void DeviceTable::OnSaved(const Unsaved& saved) {
  for (const Device& device : saved.changed) {
    const auto found = by_mac_.find(device.mac);
    if (found == by_mac_.end()) {
      unsaved_.insert(device.mac);  // Forgotten while it was being written.
    } else {
      found->second->stored = true;
    }
  }
}

void DeviceTable::OnSaveFailed(const Unsaved& unsaved) {
  for (const Device& device : unsaved.changed) {
    if (by_mac_.contains(device.mac)) unsaved_.insert(device.mac);
  }
  unsaved_.insert(unsaved.forgotten.begin(), unsaved.forgotten.end());
}

}  // namespace tentacle::discovery
