// Who made a network card: the vendor of a MAC's prefix, from the IEEE's registries (oui_data.inc).
#pragma once

#include <string_view>

#include "libs/wire/mac_address.h"

namespace tentacle::discovery {

// The vendor, or nothing: unknown, or an address that its owner made up (the locally administered
// bit, IEEE 802 section 8.2.2). The longest prefix counts: the holder of 28 or 36 bits made the
// card, not the registry that its 24 bits belong to. The text lives as long as the program.
std::string_view VendorOf(const wire::MacAddress& mac);

// The day of the registries, "2022-08-27".
std::string_view OuiDate();

}  // namespace tentacle::discovery
