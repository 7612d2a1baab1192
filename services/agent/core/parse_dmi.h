// One field of /sys/class/dmi/id or of /proc/device-tree -> its value.
#pragma once

#include <string>
#include <string_view>

namespace tentacle::agent {

// Trimmed; empty for what vendors write when they write nothing ("To Be Filled By O.E.M.").
std::string ParseDmiField(std::string_view text);

// The vendor of a device tree's "compatible": the first entry up to its comma ("raspberrypi").
std::string ParseDeviceTreeVendor(std::string_view compatible);

}  // namespace tentacle::agent
