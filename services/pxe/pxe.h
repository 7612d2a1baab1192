// The service that answers machines that boot.
#pragma once

#include "libs/runtime/host.h"

namespace tentacle::pxe {
extern const runtime::ServiceSpec kService;
}  // namespace tentacle::pxe
