// Who is on the segment: observations become devices, and what changed comes back as a value.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <absl/time/time.h>

#include "libs/wire/mac_address.h"
#include "services/discovery/core/device.h"
#include "services/discovery/core/folding.h"

namespace tentacle::discovery {

enum class ChangeKind {
  kAppeared,   // Never seen before.
  kMoved,      // Another address or interface than last time.
  kLearned,    // Another name, state, VLAN or owner than was known.
  kSeenAgain,  // Only last_seen is new.
};

struct Change {
  ChangeKind kind = ChangeKind::kSeenAgain;
  Device device;
  // When it is another one than before.
  std::optional<PresenceState> presence;
  // The device that had to make room: of the suspect ones, else of all, the one that was silent
  // longest.
  std::optional<wire::MacAddress> forgotten;
};

// Holds at most `capacity` devices, whatever is heard. Not thread safe.
class DeviceTable {
 public:
  explicit DeviceTable(std::size_t capacity) : capacity_(capacity) {}

  // Puts back what was stored. Duplicates and what exceeds the capacity is left out, oldest first.
  void Restore(std::vector<Device> devices);

  // `suspect` marks a device that is new as one that somebody may have made up.
  Change Observe(const Observation& observation, absl::Time now, bool suspect = false);

  // Nobody is heard by these; what is not in the table is passed over. True when it changed
  // something.
  bool SetLease(const wire::MacAddress& mac, const Lease& lease);
  bool SetPorts(const wire::MacAddress& mac, std::vector<OpenPort> ports);
  bool SetSuspect(const wire::MacAddress& mac);
  bool CountWake(const wire::MacAddress& mac, const std::string& method, bool woke);

  // Whose silence has become too long. `listening_since`: before it nobody could be heard.
  std::vector<Change> CheckPresence(absl::Time now,
                                    absl::Time listening_since,
                                    const PresenceRules& rules);

  const Device* Find(const wire::MacAddress& mac) const;

  // A point in the order of observations, for SeenSince: unlike a time it stands when the clock is
  // set.
  std::uint64_t mark() const { return observations_; }

  // In order of address, then MAC.
  std::vector<wire::MacAddress> SeenSince(std::uint64_t mark) const;

  // The `max` that were seen last, in order of address, then MAC; suspect ones only when there is
  // room. The pointers hold until the table is changed.
  std::vector<const Device*> Latest(std::size_t max) const;

  std::size_t size() const { return by_mac_.size(); }

  // What has to be written and deleted; every MAC once. What was taken comes back through OnSaved
  // or OnSaveFailed before the next is taken.
  struct Unsaved {
    std::vector<Device> changed;
    std::vector<wire::MacAddress> forgotten;

    bool empty() const { return changed.empty() && forgotten.empty(); }
  };

  std::size_t unsaved() const { return unsaved_.size(); }

  // `max` of them; the others stay for the next time.
  Unsaved TakeUnsaved(std::size_t max = std::numeric_limits<std::size_t>::max());
  void OnSaved(const Unsaved& saved);
  void OnSaveFailed(const Unsaved& unsaved);

 private:
  struct Entry {
    Device device;
    std::uint64_t seen_at = 0;  // Number of the observation.
    bool stored = false;        // The disk has it, so that forgetting it means deleting it.
  };

  using Entries = std::list<Entry>;  // The one that was silent longest first.

  Entries& ListOf(const Device& device) { return entries_[device.suspect ? 1 : 0]; }

  Entry* FindEntry(const wire::MacAddress& mac);
  Entry& Insert(Device device, bool stored);
  std::optional<wire::MacAddress> MakeRoom();
  ChangeKind Learn(Device& device, const Observation& observation, absl::Time now);
  void Fold(Device& device, absl::Time now);

  std::size_t capacity_;
  std::uint64_t observations_ = 0;
  std::array<Entries, 2> entries_;  // Those that are trusted, and those that are suspect.
  std::map<wire::MacAddress, Entries::iterator> by_mac_;
  Folding folding_;
  // In the table: write. Not in it: delete. Devices that come and go between two saves leave
  // nothing here, so a flood of made-up addresses does not make it grow.
  std::set<wire::MacAddress> unsaved_;
};

}  // namespace tentacle::discovery
