// CDP: what is read was in the frame.
#include <cstddef>
#include <cstdint>

#include "libs/runtime/check.h"
#include "libs/wire/cdp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tentacle;  // NOLINT(google-build-using-namespace)
  const auto frame = wire::ParseCdp(wire::Bytes(data, size));
  if (!frame.ok()) return 0;
  TENTACLE_CHECK(!frame->device_id.empty());
  TENTACLE_CHECK(frame->device_id.size() + frame->port_id.size() + frame->platform.size() +
                     frame->software.size() <=
                 size * 4);
  return 0;
}
