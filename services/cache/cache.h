// The service that keeps images near.
#pragma once

#include "libs/runtime/host.h"

namespace tentacle::cache {
extern const runtime::ServiceSpec kService;
}  // namespace tentacle::cache
