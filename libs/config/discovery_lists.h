// The lists of section `discovery`: what may stand in them.
#pragma once

#include <tentacle/config/v1/config.pb.h>

#include <cstddef>

#include <absl/status/status.h>

namespace tentacle::config {

// More ports than this on every device is no look any more but a siege.
constexpr std::size_t kMaxScanPorts = 1024;
// A network of more than 65536 addresses is no segment.
constexpr std::uint32_t kMinNetworkPrefix = 16;
// Entries of any of the lists: they are gone through for every address.
constexpr int kMaxListEntries = 256;

// InvalidArgument names the list and the entry.
absl::Status CheckDiscoveryLists(const v1::DiscoveryConfig& discovery);

}  // namespace tentacle::config
