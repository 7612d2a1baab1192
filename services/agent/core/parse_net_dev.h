// /proc/net/dev -> octets per interface since boot.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

namespace tentacle::agent {

struct InterfaceTraffic {
  std::string name;
  std::uint64_t rx_bytes = 0;
  std::uint64_t tx_bytes = 0;
};

// InvalidArgument when the file has no header; an interface whose counters cannot be read is left
// out.
absl::StatusOr<std::vector<InterfaceTraffic>> ParseNetDev(std::string_view text);

}  // namespace tentacle::agent
