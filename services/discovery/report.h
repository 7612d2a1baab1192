// What the backend is told: the bodies of discovery's events (docs/protocol.md section 3).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/wire/mac_address.h"
#include "services/discovery/arp_scanner.h"
#include "services/discovery/core/address_book.h"
#include "services/discovery/core/dhcp_servers.h"
#include "services/discovery/core/ping_history.h"
#include "services/discovery/core/topology.h"

namespace tentacle::discovery {

// Devices of the table, until that is changed.
using Devices = std::span<const Device* const>;

// "discovery.result": one part of what a sweep found, for one request. Takes off `left` as many as
// fit, limits::kMaxDevicesPerEvent at most; each part repeats the other fields. `suspects` are
// counted, not listed.
std::string ScanResultBody(const ScanResult& result,
                           std::string_view scan_id,
                           std::size_t suspects,
                           Devices* left);

// "device.changed": everything that became otherwise since revision `previous`, in one body or
// more, each a revision further. `revision` is the last one's.
struct DeviceReport {
  std::vector<std::string> bodies;
  std::uint64_t revision = 0;
};

DeviceReport DeviceChangeBodies(Devices devices,
                                std::span<const wire::MacAddress> forgotten,
                                std::uint64_t previous);

// "device.snapshot": the whole table as of `revision`, in numbered parts.
std::vector<std::string> SnapshotBodies(Devices devices,
                                        std::uint64_t revision,
                                        std::string_view command_id);

// "dhcp.rogue".
std::string RogueBody(const RogueAlert& alert, absl::Time now);

// "network.alert".
std::string ConflictBody(const Conflict& conflict, absl::Time now);
std::string FloodBody(absl::Time started, std::size_t cards, bool over, absl::Time now);

// "network.segment".
std::string SegmentBody(const TopologyFacts& facts,
                        const Topology& topology,
                        const std::vector<PingReport>& pings);

// `command_id` empty: nobody's command; the field is left out.
std::string WakeSentBody(std::string_view command_id,
                         const wire::MacAddress& mac,
                         std::uint32_t packets);

// "wake.result".
struct WakeOutcome {
  std::string command_id;
  wire::MacAddress mac;
  std::string state;  // woke, silent, was-awake.
  absl::Duration after;
  std::string evidence;
  std::vector<std::string> methods;
};

std::string WakeResultBody(const WakeOutcome& outcome);

}  // namespace tentacle::discovery
