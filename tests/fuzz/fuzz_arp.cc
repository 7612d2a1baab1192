// A frame that says it is ARP: parse -> emit -> parse gives the same question or answer.
#include <cstddef>
#include <cstdint>

#include "libs/runtime/check.h"
#include "libs/wire/arp.h"
#include "libs/wire/ethernet.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tentacle;  // NOLINT(google-build-using-namespace)
  const auto frame = wire::ParseEthernet(wire::Bytes(data, size));
  if (!frame.ok()) return 0;
  TENTACLE_CHECK(frame->vlan < 4096);
  const auto arp = wire::ParseArp(frame->payload);
  if (!arp.ok()) return 0;
  const auto again = wire::ParseArp(wire::EmitArp(*arp));
  TENTACLE_CHECK(again.ok());
  TENTACLE_CHECK(again->operation == arp->operation && again->sender_mac == arp->sender_mac &&
                 again->sender_ip == arp->sender_ip && again->target_mac == arp->target_mac &&
                 again->target_ip == arp->target_ip);
  return 0;
}
