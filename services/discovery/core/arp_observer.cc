#include "services/discovery/core/arp_observer.h"

namespace tentacle::discovery {

std::string_view DropReasonName(DropReason reason) {
  switch (reason) {
    case DropReason::kMalformed:
      return "malformed";
    case DropReason::kOwn:
      return "own";
    case DropReason::kNoSenderAddress:
      return "no_sender_address";
    case DropReason::kNotUnicast:
      return "not_unicast";
    case DropReason::kForeignAddress:
      return "foreign_address";
    case DropReason::kUninteresting:
      return "uninteresting";
  }
  return "unknown";
}

std::variant<Observation, DropReason> ObserveArp(const wire::ArpMessage& arp,
                                                 const WatchedInterface& heard_on) {
  if (arp.sender_mac == heard_on.mac) return DropReason::kOwn;
  if (!IsDeviceMac(arp.sender_mac)) return DropReason::kNotUnicast;
  const std::uint32_t address = arp.sender_ip;
  if (address == 0) return DropReason::kNoSenderAddress;
  if (!heard_on.IsNeighbour(address)) return DropReason::kForeignAddress;
  return Observation{arp.sender_mac, address, heard_on.name};
}

}  // namespace tentacle::discovery
