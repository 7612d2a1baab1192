#include "services/pxe/core/boot_files.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace tentacle::pxe {

namespace {

constexpr int kMaxDepth = 8;
constexpr std::size_t kMaxPathBytes = 255;

bool IsAllowed(unsigned char c) {
  return c > 0x20 && c < 0x7f && c != '%';
}

// Folders of the boot folder that firmware does not know of.
constexpr std::array<std::string_view, 5> kShelves = {"secureboot", "i386-efi", "arm32-efi",
                                                      "arm64-efi", "rpi"};

// "1a2b3c4d": what a Raspberry Pi puts in front of everything it asks for.
bool IsSerialNumber(std::string_view part) {
  constexpr std::size_t kDigits = 8;
  return part.size() == kDigits && std::all_of(part.begin(), part.end(), [](unsigned char c) {
           return std::isxdigit(c) != 0;
         });
}

}  // namespace

std::string_view BaseName(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::vector<std::string> BootFileCandidates(std::string_view safe) {
  std::vector<std::string> candidates = {std::string(safe)};
  const std::size_t slash = safe.find('/');
  if (slash != std::string_view::npos && IsSerialNumber(safe.substr(0, slash))) {
    candidates.push_back("rpi/" + std::string(safe.substr(slash + 1)));
    return candidates;
  }
  const std::string name(BaseName(safe));
  if (name != safe) candidates.push_back(name);
  for (const std::string_view shelf : kShelves)
    candidates.push_back(std::string(shelf) + "/" + name);
  return candidates;
}

std::optional<std::string> SafeBootPath(std::string_view requested) {
  if (requested.size() > kMaxPathBytes) return std::nullopt;
  // BIOS ROMs that take option 67 for a C string hand back the end option that stands behind it
  // (G33).
  while (requested.ends_with('\xff'))
    requested.remove_suffix(1);
  std::string slashed(requested);
  std::replace(slashed.begin(), slashed.end(), '\\',
               '/');  // Some firmware writes it the DOS way (G33).
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
    if (!std::all_of(part.begin(), part.end(),
                     [](char c) { return IsAllowed(static_cast<unsigned char>(c)); })) {
      return std::nullopt;
    }
    if (!path.empty()) path += '/';
    path += part;
  }
  if (path.empty()) return std::nullopt;
  return path;
}

}  // namespace tentacle::pxe
