// What is remembered of machines that were answered: the address each has chosen, what its quirks
// allow on TFTP, and whether packets of its size get through. Pure, and bounded by the tasks:
// strangers are not remembered.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include <absl/time/time.h>

#include "libs/wire/mac_address.h"

namespace tentacle::pxe {

// At most; 0: no limit but the usual ones.
struct TransferCaps {
  std::uint32_t block_bytes = 0;
  std::uint32_t window = 0;
};

class ClientMemory {
 public:
  // It was answered, with these caps from its quirks.
  void Answered(const wire::MacAddress& mac, TransferCaps caps, absl::Time now);
  // It has taken an address; nothing for a machine that was never answered.
  void Bound(const wire::MacAddress& mac, std::uint32_t address);

  // A relay's machine was answered: others of that network may ask us too.
  void Relayed(absl::Time now) { relayed_ = now; }

  bool RelaysAreServed(absl::Time now) const;

  std::optional<wire::MacAddress> MacAt(std::uint32_t address) const;
  TransferCaps CapsOf(const wire::MacAddress& mac) const;

  // A transfer never got beyond its first block: the way there lets only smaller ones through
  // (G31).
  void FirstBlockLost(std::uint32_t address, absl::Time now);
  bool WantsSmallBlocks(std::uint32_t address, absl::Time now) const;

 private:
  struct Client {
    TransferCaps caps;
    std::uint32_t address = 0;
    absl::Time answered = absl::InfinitePast();
  };

  std::map<wire::MacAddress, Client> clients_;
  std::map<std::uint32_t, wire::MacAddress> by_address_;
  std::map<std::uint32_t, absl::Time> narrow_;
  absl::Time relayed_ = absl::InfinitePast();
};

}  // namespace tentacle::pxe
