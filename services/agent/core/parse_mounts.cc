#include "services/agent/core/parse_mounts.h"

#include <algorithm>
#include <set>
#include <string>

#include "services/agent/core/fields.h"

namespace tentacle::agent {

namespace {

constexpr std::string_view kStorageTypes[] = {
    "ext2",     "ext3",    "ext4",    "xfs",   "btrfs", "zfs",    "f2fs",
    "vfat",     "exfat",   "ntfs",    "ntfs3", "jfs",   "nilfs2", "bcachefs",
    "reiserfs", "hfsplus", "fuseblk", "nfs",   "nfs4",  "cifs",
};

bool HoldsFiles(std::string_view type, std::string_view mount_point) {
  // A container's root is an overlay, and it is the only storage that is seen from inside.
  if (type == "overlay") return mount_point == "/";
  return std::find(std::begin(kStorageTypes), std::end(kStorageTypes), type) !=
         std::end(kStorageTypes);
}

bool IsOctal(char c) {
  return c >= '0' && c <= '7';
}

// fstab(5): space, tab, line end and backslash are written as three octal digits.
std::string Unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && text[i + 1] <= '3' && IsOctal(text[i + 1]) &&
        IsOctal(text[i + 2]) && IsOctal(text[i + 3])) {
      plain += static_cast<char>(((text[i + 1] - '0') << 6) | ((text[i + 2] - '0') << 3) |
                                 (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

}  // namespace

absl::StatusOr<std::vector<FileSystem>> ParseMounts(std::string_view text) {
  std::vector<FileSystem> file_systems;
  std::set<std::string> devices;
  bool any = false;
  for (const auto line : Lines(text)) {
    const auto fields = Fields(line);
    if (fields.size() < 4) continue;
    any = true;
    if (!HoldsFiles(fields[2], fields[1])) continue;
    FileSystem found;
    found.device = CleanField(Unescape(fields[0]));
    found.mount_point = CleanField(Unescape(fields[1]));
    found.type = CleanField(fields[2]);
    if (devices.insert(found.device).second) file_systems.push_back(std::move(found));
  }
  if (!any) return absl::InvalidArgumentError("mounts: no line is a mount");
  return file_systems;
}

}  // namespace tentacle::agent
