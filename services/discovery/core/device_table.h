// Who is on the segment: observations become devices, and what changed comes back as a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <absl/time/time.h>

#include "libs/wire/mac_address.h"

namespace tentacle::discovery {

// Whether one device can have it: not zero, not a group's.
bool IsDeviceMac(const wire::MacAddress& mac);

// Somebody with this MAC was heard on an interface, using this IPv4 address (host order).
struct Observation {
  wire::MacAddress mac;
  std::uint32_t address = 0;
  std::string interface;
};

struct Device {
  wire::MacAddress mac;
  std::uint32_t address = 0;  // The one it used last. Host order.
  std::string hostname;
  std::string vendor;
  std::string interface;  // Where it was heard last.
  absl::Time first_seen;
  absl::Time last_seen;

  bool operator==(const Device&) const = default;
};

enum class ChangeKind {
  kAppeared,   // Never seen before.
  kMoved,      // Another address or interface than last time.
  kSeenAgain,  // Only last_seen is new.
};

struct Change {
  ChangeKind kind = ChangeKind::kSeenAgain;
  Device device;
  // The device that had to make room: the one that was silent longest.
  std::optional<wire::MacAddress> forgotten;
};

// Holds at most `capacity` devices, whatever is heard. Not thread safe.
class DeviceTable {
 public:
  explicit DeviceTable(std::size_t capacity) : capacity_(capacity) {}

  // Puts back what was stored. Duplicates and what exceeds the capacity is left out, oldest first.
  void Restore(std::vector<Device> devices);

  Change Observe(const Observation& observation, absl::Time now);

  // A point in the order of observations, for SeenSince: unlike a time it stands when the clock is
  // set.
  std::uint64_t mark() const { return observations_; }

  std::vector<Device> SeenSince(std::uint64_t mark) const;

  // The `max` that were seen last, in order of address, then MAC.
  std::vector<Device> Latest(std::size_t max) const;

  std::size_t size() const { return by_mac_.size(); }

  // What has to be written and deleted; every MAC once. What was taken comes back through OnSaved
  // or OnSaveFailed before the next is taken.
  struct Unsaved {
    std::vector<Device> changed;
    std::vector<wire::MacAddress> forgotten;

    bool empty() const { return changed.empty() && forgotten.empty(); }
  };

  Unsaved TakeUnsaved();
  void OnSaved(const Unsaved& saved);
  void OnSaveFailed(const Unsaved& unsaved);

 private:
  struct Entry {
    Device device;
    std::uint64_t seen_at = 0;  // Number of the observation.
    bool stored = false;        // The disk has it, so that forgetting it means deleting it.
  };

  using Entries = std::list<Entry>;  // The one that was silent longest first.

  void Insert(Device device, bool stored);
  std::optional<wire::MacAddress> MakeRoom();

  std::size_t capacity_;
  std::uint64_t observations_ = 0;
  Entries entries_;
  std::map<wire::MacAddress, Entries::iterator> by_mac_;
  // In the table: write. Not in it: delete. Devices that come and go between two saves leave
  // nothing here, so a flood of made-up addresses does not make it grow.
  std::set<wire::MacAddress> unsaved_;
};

}  // namespace tentacle::discovery
