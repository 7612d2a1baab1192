// A requested path -> a path below the boot folder, or nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tentacle::pxe {

// "ramdisk/vmlinuz" for "/ramdisk//vmlinuz" or "\ramdisk\vmlinuz"; nothing for "..", an empty name, control
// characters, hidden files or more than kMaxDepth folders. Never absolute.
std::optional<std::string> SafeBootPath(std::string_view requested);

}  // namespace tentacle::pxe
