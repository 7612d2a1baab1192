// The magic packet of Wake-on-LAN: six octets 0xff, then the MAC sixteen times.
#pragma once

#include "libs/wire/mac_address.h"
#include "libs/wire/reader.h"

namespace tentacle::wire {
Buffer EmitWakeOnLan(const MacAddress& mac);
}  // namespace tentacle::wire
