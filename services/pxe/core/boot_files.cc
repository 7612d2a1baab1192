#include "services/pxe/core/boot_files.h"

#include <algorithm>

namespace tentacle::pxe {

namespace {

constexpr int kMaxDepth = 8;
constexpr std::size_t kMaxPathBytes = 255;

bool IsAllowed(unsigned char c) { return c > 0x20 && c < 0x7f && c != '%'; }

}  // namespace

std::optional<std::string> SafeBootPath(std::string_view requested) {
  if (requested.size() > kMaxPathBytes) return std::nullopt;
  // BIOS ROMs that take option 67 for a C string hand back the end option that stands behind it (G33).
  while (requested.ends_with('\xff')) requested.remove_suffix(1);
  std::string slashed(requested);
  std::replace(slashed.begin(), slashed.end(), '\\', '/');  // Some firmware writes it the DOS way (G33).
  std::string path;
  int depth = 0;
  std::size_t from = 0;
  while (from < slashed.size()) {
    const std::size_t end = std::min(slashed.find('/', from), slashed.size());
    const std::string part = slashed.substr(from, end - from);
    from = end + 1;
    if (part.empty()) continue;  // Leading and doubled slashes.
    // A dot at the front covers "..", "." and hidden files at once.
    if (part.front() == '.' || ++depth > kMaxDepth) return std::nullopt;
    if (!std::all_of(part.begin(), part.end(), [](char c) { return IsAllowed(static_cast<unsigned char>(c)); })) {
      return std::nullopt;
    }
    if (!path.empty()) path += '/';
    path += part;
  }
  if (path.empty()) return std::nullopt;
  return path;
}

}  // namespace tentacle::pxe
