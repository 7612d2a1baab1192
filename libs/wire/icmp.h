// ICMP echo (RFC 792): ping. Pure.
#pragma once

#include <cstdint>

#include <absl/status/statusor.h>

#include "libs/wire/reader.h"

namespace tentacle::wire {

struct IcmpEcho {
  bool reply = false;
  std::uint16_t id = 0;
  std::uint16_t sequence = 0;
};

// OutOfRange: truncated. InvalidArgument: not an echo or its reply, or a wrong checksum.
absl::StatusOr<IcmpEcho> ParseIcmpEcho(Bytes bytes);
Buffer EmitIcmpEcho(const IcmpEcho& echo);

}  // namespace tentacle::wire
