// Which of our addresses belongs to the interface that a packet came in on, and whether we serve
// there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <absl/time/time.h>

#include "libs/net/interfaces.h"

namespace tentacle::pxe {

// Home thread only; asks the kernel again when its list is old or lacks an interface.
class LocalAddresses {
 public:
  // Empty: every interface but loopback.
  explicit LocalAddresses(std::vector<std::string> served) : served_(std::move(served)) {}

  // The address of ours that answers what came in there: the one that was asked, or one of the
  // network of `peer`, or the first. Host order; nothing when we do not serve there or have no
  // address.
  std::optional<std::uint32_t> ServedAddress(int interface_index,
                                             std::uint32_t asked,
                                             std::uint32_t peer,
                                             absl::Time now);
  // It is on a network of an interface.
  bool OnLink(std::uint32_t address, absl::Time now);

 private:
  const net::InterfaceAddress* Find(int interface_index,
                                    std::uint32_t asked,
                                    std::uint32_t peer) const;
  bool Serves(const net::InterfaceAddress& one) const;
  void Refresh(absl::Time now);

  std::vector<std::string> served_;
  std::vector<net::InterfaceAddress> list_;
  absl::Time read_at_ = absl::InfinitePast();
};

}  // namespace tentacle::pxe
