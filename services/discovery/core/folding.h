// Which cards are one device: a laptop with a dock, a phone that makes up a new address for each
// network.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include <absl/time/time.h>

#include "libs/wire/mac_address.h"
#include "services/discovery/core/device.h"

namespace tentacle::discovery {

// Two made-up addresses that speak within this time are two devices, whatever they are called.
constexpr absl::Duration kSameTime = absl::Minutes(2);

// Two kinds of evidence: the same DHCP client id, which a system keeps over its cards (RFC 4361);
// or, when one address at least is made up, the same name and the same DHCP fingerprint, and never
// both at the same time. Not thread safe.
class Folding {
 public:
  using Find = std::function<const Device*(const wire::MacAddress&)>;

  // The card that stands for `device`, which was heard just now; its own when there is no other.
  wire::MacAddress Place(const Device& device, const Find& find, absl::Time now);
  void Forget(const wire::MacAddress& mac);

 private:
  using Cards = std::vector<wire::MacAddress>;  // The first stands for the others.

  const wire::MacAddress* Join(const std::string& key, const wire::MacAddress& mac);
  bool MayBeTheSame(const Device& device, const Device& other, absl::Time now) const;

  std::map<std::string, Cards> by_key_;
  std::map<wire::MacAddress, std::vector<std::string>> keys_of_;
};

}  // namespace tentacle::discovery
