// The NetBIOS name service: a name has at most 15 octets, and the addresses are bounded.
#include <cstddef>
#include <cstdint>

#include "libs/runtime/check.h"
#include "libs/wire/netbios.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tentacle;  // NOLINT(google-build-using-namespace)
  const auto message = wire::ParseNetbios(wire::Bytes(data, size));
  if (!message.ok()) return 0;
  TENTACLE_CHECK(message->name.name.size() <= 15);
  TENTACLE_CHECK(message->name.addresses.size() <= 16);
  return 0;
}
