// Everything that is heard goes through here: into the table, and what is wrong with the segment
// becomes an alert.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <vector>

#include <absl/time/time.h>

#include "libs/runtime/clock.h"
#include "libs/runtime/log.h"
#include "services/discovery/core/address_book.h"
#include "services/discovery/core/device_table.h"
#include "services/discovery/core/dhcp_servers.h"
#include "services/discovery/core/flood_guard.h"
#include "services/discovery/core/frame_observer.h"
#include "services/discovery/core/neighbours.h"
#include "services/discovery/metrics.h"
#include "services/discovery/reporter.h"

namespace tentacle::discovery {

// Home thread only.
class Lookout {
 public:
  Lookout(const runtime::Clock& clock,
          DeviceTable& table,
          Reporter& reporter,
          Metrics& metrics,
          runtime::Log log);

  // True when a sweep waited for this one to speak.
  void OnDevice(std::function<bool(const Observation&)> callback) {
    on_device_ = std::move(callback);
  }

  // Servers that the configuration names.
  void SetListedServers(std::vector<std::uint32_t> servers) {
    listed_servers_ = std::move(servers);
  }

  void SetGateways(std::set<std::uint32_t> gateways) {
    addresses_.SetGateways(std::move(gateways));
  }

  void RestoreServers(std::vector<DhcpServer> servers) { servers_.Restore(std::move(servers)); }

  void Hear(const FrameReport& report);

  // Time has passed: who is gone, which floods are over, whose word has run out. `listening_since`:
  // since when anybody could be heard.
  void Tick(absl::Time listening_since, const PresenceRules& rules);

  const DhcpServers& servers() const { return servers_; }

  const Neighbours& neighbours() const { return neighbours_; }

  const AddressBook& addresses() const { return addresses_; }

  // Grows when the segment as a whole has become another one: servers, neighbours.
  std::uint64_t segment_revision() const { return segment_revision_ + servers_.revision(); }

 private:
  void HearDevice(const Observation& observation, absl::Time now);
  void HearServer(const DhcpSighting& sighting, absl::Time now);
  void Claim(const Observation& observation, absl::Time now);
  void Note(const Change& change);

  const runtime::Clock& clock_;
  DeviceTable& table_;
  Reporter& reporter_;
  Metrics& metrics_;
  runtime::Log log_;
  std::function<bool(const Observation&)> on_device_;
  AddressBook addresses_;
  DhcpServers servers_;
  Neighbours neighbours_;
  FloodGuard flood_;
  std::vector<std::uint32_t> listed_servers_;
  std::uint64_t segment_revision_ = 0;
};

}  // namespace tentacle::discovery
