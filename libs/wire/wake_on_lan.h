// The magic packet of Wake-on-LAN: six octets 0xff, then the MAC sixteen times, then the SecureOn
// password if the card has one.
#pragma once

#include "libs/wire/mac_address.h"
#include "libs/wire/reader.h"

namespace tentacle::wire {
// `password` has 0, 4 or 6 octets, which are the lengths that cards know.
Buffer EmitWakeOnLan(const MacAddress& mac, Bytes password = {});
}  // namespace tentacle::wire
