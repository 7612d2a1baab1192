// What a captured frame tells, or why it tells nothing. Everything that a stranger wrote is made
// fit for showing here, once, so that no log, page or file behind it has to.
#pragma once

#include <optional>

#include "libs/wire/reader.h"
#include "services/discovery/core/arp_observer.h"
#include "services/discovery/core/device.h"
#include "services/discovery/core/dhcp_servers.h"
#include "services/discovery/core/neighbours.h"
#include "services/discovery/core/watched_interface.h"

namespace tentacle::discovery {

struct FrameReport {
  std::optional<DropReason> dropped;  // Then there is nothing else.
  std::optional<Observation> device;
  std::optional<DhcpSighting> dhcp;
  std::optional<Neighbour> neighbour;
  Source protocol = Source::kArp;
  bool arp_reply = false;
};

FrameReport ObserveFrame(wire::Bytes frame, const WatchedInterface& heard_on);

// The capture filter that lets through what ObserveFrame can read, in libpcap's words; tagged
// frames too.
inline constexpr char kCaptureFilter[] =
    "arp or ether proto 0x88cc or ether dst 01:00:0c:cc:cc:cc or udp port 67 or udp port 68 or udp "
    "port 137 or "
    "udp port 5353 or (vlan and (arp or ether proto 0x88cc or udp port 67 or udp port 68 or udp "
    "port 137 or "
    "udp port 5353))";

}  // namespace tentacle::discovery
