// Switches and other neighbours that say who they are (LLDP, CDP): the port that this host hangs
// on, and its VLAN.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <absl/time/time.h>

#include "libs/wire/mac_address.h"
#include "services/discovery/core/device.h"

namespace tentacle::discovery {

struct Neighbour {
  Source protocol = Source::kLldp;
  wire::MacAddress mac;   // Of the frame: the port's, not the switch's.
  std::string interface;  // Where it was heard.
  std::string chassis;    // What names the switch: a MAC, else a text.
  std::string name;
  std::string port;
  std::string port_description;
  std::string description;
  bool is_switch = false;  // It forwards for others.
  std::uint16_t vlan = 0;  // Of its port; 0: not told.
  std::uint32_t address = 0;
  absl::Time first_seen;
  absl::Time last_seen;
  absl::Duration valid_for;  // As it said itself; zero: good-bye.

  bool operator==(const Neighbour&) const = default;
};

// Holds at most limits::kMaxNeighbours. Not thread safe.
class Neighbours {
 public:
  // True when there is something new besides the time.
  bool Observe(Neighbour neighbour, absl::Time now);
  // Forgets whose word has run out; true when there was one.
  bool Expire(absl::Time now);

  const std::vector<Neighbour>& all() const { return all_; }

 private:
  std::vector<Neighbour> all_;
};

}  // namespace tentacle::discovery
