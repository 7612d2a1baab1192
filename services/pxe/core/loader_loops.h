// Breaks circles: a machine that fetches its loader again and again runs an iPXE that does not say
// so, and never comes to its script. It is given the script instead then. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <string_view>

#include <absl/time/time.h>

#include "libs/wire/mac_address.h"

namespace tentacle::pxe {

// An iPXE of ours, which says so when it runs; not shim, GRUB or what a Raspberry Pi fetches.
bool IsIpxeLoader(std::string_view file);

class LoaderLoops {
 public:
  // A loader went out whole. True when the machine is known to go round from now on.
  bool LoaderSent(const wire::MacAddress& mac, absl::Time now);

  // It runs an iPXE that says so, has come to its script, or has another task: what was before does
  // not count.
  void Forget(const wire::MacAddress& mac) { machines_.erase(mac); }

  bool GoesRound(const wire::MacAddress& mac, absl::Time now) const;

 private:
  struct Round {
    std::size_t loaders = 0;
    absl::Time last = absl::InfinitePast();
  };

  std::map<wire::MacAddress, Round> machines_;
};

}  // namespace tentacle::pxe
