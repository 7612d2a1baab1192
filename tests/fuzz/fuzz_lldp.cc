// LLDP: what is read was in the frame.
#include <cstddef>
#include <cstdint>

#include "libs/runtime/check.h"
#include "libs/wire/lldp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tentacle;  // NOLINT(google-build-using-namespace)
  const auto frame = wire::ParseLldp(wire::Bytes(data, size));
  if (!frame.ok()) return 0;
  TENTACLE_CHECK(!frame->chassis_id.empty() && !frame->port_id.empty());
  TENTACLE_CHECK(frame->system_name.size() < 512 && frame->system_description.size() < 512);
  TENTACLE_CHECK(!frame->port_vlan.has_value() || *frame->port_vlan != 0);
  TENTACLE_CHECK(frame->port_description.size() <= size);
  return 0;
}
