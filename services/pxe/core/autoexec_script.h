// `autoexec.ipxe`: what a UEFI iPXE asks for beside itself before it does anything else (field
// notes G21).
#pragma once

#include <string>
#include <string_view>

#include "libs/wire/mac_address.h"

namespace tentacle::pxe {

inline constexpr char kAutoexecName[] = "autoexec.ipxe";

// Configures the card that the machine boots from and goes on with its script. Everything in it is
// ours: an address and a MAC. `base_url` is "http://10.0.0.2:9080".
std::string AutoexecScript(std::string_view base_url, const wire::MacAddress& mac);

}  // namespace tentacle::pxe
