// A requested path -> a path below the boot folder, or nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tentacle::pxe {

// "ramdisk/vmlinuz" for "/ramdisk//vmlinuz" or "\ramdisk\vmlinuz"; nothing for "..", an empty name,
// control characters, hidden files or more than kMaxDepth folders. Never absolute.
std::optional<std::string> SafeBootPath(std::string_view requested);

// Where a file that was asked for so may lie, in the order of trying. `safe` itself first; then
// without the folder of a Raspberry Pi's own (its serial number, G35); then by its last name, since
// shim asks for its second stage at the root, beside itself or in \EFI\BOOT (G23).
std::vector<std::string> BootFileCandidates(std::string_view safe);

// The last part of a path.
std::string_view BaseName(std::string_view path);

}  // namespace tentacle::pxe
