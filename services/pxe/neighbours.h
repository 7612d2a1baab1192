// The kernel's neighbour table: which machine on the segment a client is.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include <absl/time/time.h>

#include "libs/runtime/clock.h"
#include "libs/wire/mac_address.h"

namespace tentacle::pxe {

using MacOfAddress = std::function<std::optional<wire::MacAddress>(const std::string& address)>;

// From /proc/net/arp, which does not block. Nothing for an address that is not on a segment of
// ours.
std::optional<wire::MacAddress> NeighbourMac(const std::string& address);

// The same, but reads the table at most once within limits::kNeighboursFresh, however many ask.
// Home thread only.
class NeighbourCache {
 public:
  explicit NeighbourCache(const runtime::Clock& clock) : clock_(clock) {}

  std::optional<wire::MacAddress> Find(const std::string& address);

 private:
  const runtime::Clock& clock_;
  absl::Time read_at_ = absl::InfinitePast();
  std::string table_;
};

}  // namespace tentacle::pxe
