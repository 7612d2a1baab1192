// What an ARP packet tells about its sender, or why it tells nothing.
#pragma once

#include <string_view>
#include <variant>

#include "libs/wire/arp.h"
#include "services/discovery/core/device.h"
#include "services/discovery/core/watched_interface.h"

namespace tentacle::discovery {

// Each value is a metric label.
enum class DropReason {
  kMalformed,        // Shorter than it says, or not Ethernet and IPv4.
  kOwn,              // We said it ourselves.
  kNoSenderAddress,  // An address probe (RFC 5227 section 2.1.1): the sender has no address yet.
  kNotUnicast,       // A sender that is a group or nobody.
  kForeignAddress,   // An address of another network: routers and misconfigured hosts.
  kUninteresting,    // Nothing that is looked for, or relayed from another segment.
};
std::string_view DropReasonName(DropReason reason);

// Requests tell as much as replies: whoever asks is there.
std::variant<Observation, DropReason> ObserveArp(const wire::ArpMessage& arp,
                                                 const WatchedInterface& heard_on);

}  // namespace tentacle::discovery
