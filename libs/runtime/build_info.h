// Which program this is.
#pragma once

#include <string_view>

namespace tentacle::runtime {
std::string_view Version();       // "0.1.0"
std::string_view Architecture();  // "x86_64", "aarch64"
}  // namespace tentacle::runtime
