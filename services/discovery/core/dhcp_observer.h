// What a DHCP message tells of its client and of its server (RFC 2131).
#pragma once

#include <cstdint>
#include <optional>

#include <absl/status/statusor.h>

#include "libs/wire/reader.h"
#include "services/discovery/core/device.h"
#include "services/discovery/core/dhcp_servers.h"
#include "services/discovery/core/watched_interface.h"

namespace tentacle::discovery {

struct DhcpOrigin {
  wire::MacAddress mac;  // Of the frame.
  std::uint16_t vlan = 0;
  std::uint32_t address = 0;  // Of the packet. Host order.
};

struct DhcpReport {
  std::optional<Observation> device;  // Who sent it.
  std::optional<DhcpSighting> sighting;
};

// The error of wire::ParseDhcp. What a relay passes on tells of another segment and gives an empty
// report.
absl::StatusOr<DhcpReport> ObserveDhcp(const DhcpOrigin& origin,
                                       wire::Bytes payload,
                                       const WatchedInterface& heard_on);

}  // namespace tentacle::discovery
