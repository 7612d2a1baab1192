#include "services/discovery/core/device_table.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "services/discovery/core/oui.h"

namespace tentacle::discovery {

namespace {

// IEEE 802: the first bit on the wire is the lowest of the first octet.
constexpr std::uint8_t kGroupBit = 0x01;

void SortByAddress(std::vector<Device>& devices) {
  std::sort(devices.begin(), devices.end(), [](const Device& a, const Device& b) {
    return std::tie(a.address, a.mac) < std::tie(b.address, b.mac);
  });
}

}  // namespace

bool IsDeviceMac(const wire::MacAddress& mac) {
  return mac != wire::MacAddress{} && (mac.octets[0] & kGroupBit) == 0;
}

void DeviceTable::Restore(std::vector<Device> devices) {
  std::sort(devices.begin(), devices.end(), [](const Device& a, const Device& b) {
    return std::tie(a.last_seen, a.mac) < std::tie(b.last_seen, b.mac);
  });
  for (Device& device : devices) {
    if (by_mac_.contains(device.mac)) continue;
    MakeRoom();
    Insert(std::move(device), true);
  }
}

Change DeviceTable::Observe(const Observation& observation, absl::Time now) {
  Change change;
  ++observations_;
  auto found = by_mac_.find(observation.mac);
  if (found == by_mac_.end()) {
    change.kind = ChangeKind::kAppeared;
    change.forgotten = MakeRoom();
    Device device;
    device.mac = observation.mac;
    device.vendor = std::string(VendorOf(observation.mac));
    device.first_seen = now;
    // A deletion that is still owed means that the disk has an older record.
    Insert(std::move(device), unsaved_.contains(observation.mac));
    found = by_mac_.find(observation.mac);
  } else {
    const Device& known = found->second->device;
    const bool moved =
        known.address != observation.address || known.interface != observation.interface;
    change.kind = moved ? ChangeKind::kMoved : ChangeKind::kSeenAgain;
    entries_.splice(entries_.end(), entries_, found->second);
  }

  Entry& entry = *found->second;
  entry.seen_at = observations_;
  entry.device.address = observation.address;
  entry.device.interface = observation.interface;
  // A clock that was set back does not make a device older than it is.
  entry.device.last_seen = std::max(entry.device.first_seen, now);
  unsaved_.insert(observation.mac);
  change.device = entry.device;
  return change;
}

void DeviceTable::Insert(Device device, bool stored) {
  const wire::MacAddress mac = device.mac;
  entries_.push_back({std::move(device), 0, stored});
  by_mac_.emplace(mac, std::prev(entries_.end()));
}

std::optional<wire::MacAddress> DeviceTable::MakeRoom() {
  if (by_mac_.size() < capacity_) return std::nullopt;
  const wire::MacAddress oldest = entries_.front().device.mac;
  if (entries_.front().stored) {
    unsaved_.insert(oldest);
  } else {
    unsaved_.erase(oldest);
  }
  by_mac_.erase(oldest);
  entries_.pop_front();
  return oldest;
}

std::vector<Device> DeviceTable::SeenSince(std::uint64_t mark) const {
  std::vector<Device> devices;
  for (auto entry = entries_.rbegin(); entry != entries_.rend() && entry->seen_at > mark; ++entry) {
    devices.push_back(entry->device);
  }
  SortByAddress(devices);
  return devices;
}

std::vector<Device> DeviceTable::Latest(std::size_t max) const {
  std::vector<Device> devices;
  devices.reserve(std::min(max, entries_.size()));
  for (auto entry = entries_.rbegin(); entry != entries_.rend() && devices.size() < max; ++entry) {
    devices.push_back(entry->device);
  }
  SortByAddress(devices);
  return devices;
}

DeviceTable::Unsaved DeviceTable::TakeUnsaved() {
  Unsaved unsaved;
  for (const wire::MacAddress& mac : unsaved_) {
    const auto found = by_mac_.find(mac);
    if (found == by_mac_.end()) {
      unsaved.forgotten.push_back(mac);
    } else {
      unsaved.changed.push_back(found->second->device);
    }
  }
  unsaved_.clear();
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
