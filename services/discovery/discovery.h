// "Know who is on this segment": the service as the executable starts it.
#pragma once

#include "libs/runtime/host.h"

namespace tentacle::discovery {

extern const runtime::ServiceSpec kService;

}  // namespace tentacle::discovery
