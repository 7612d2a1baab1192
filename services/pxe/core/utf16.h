// UTF-8 -> UTF-16LE octets, as Windows' answer files want passwords. Pure.
#pragma once

#include <string>
#include <string_view>

namespace tentacle::pxe {

// What is not UTF-8 becomes U+FFFD.
std::string Utf16Le(std::string_view utf8);

}  // namespace tentacle::pxe
