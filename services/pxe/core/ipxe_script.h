// The script that iPXE runs for a machine.
#pragma once

#include <string>
#include <string_view>

#include "libs/wire/mac_address.h"

namespace tentacle::pxe {

// Everything in it is ours: an address, a MAC and a token of hex digits. No text of a task reaches iPXE.
// `base_url` is "http://10.0.0.2:9080".
std::string InstallerScript(std::string_view base_url, const wire::MacAddress& mac, std::string_view token);

}  // namespace tentacle::pxe
