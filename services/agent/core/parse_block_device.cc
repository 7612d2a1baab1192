#include "services/agent/core/parse_block_device.h"

#include <algorithm>

#include "services/agent/core/fields.h"

namespace tentacle::agent {

namespace {
constexpr std::string_view kNoDisks[] = {"loop", "ram", "zram", "dm-",     "md",
                                         "sr",   "fd",  "nbd",  "mtdblock"};
constexpr std::uint64_t kSectorBytes = 512;
constexpr std::uint64_t kMostSectors = 1ull << 54;  // More octets than 64 bits hold.
}  // namespace

std::string ParseVpdPage80(std::string_view page) {
  constexpr std::size_t kHeader = 4;
  if (page.size() <= kHeader || page[1] != static_cast<char>(0x80)) return "";
  const auto length = static_cast<std::size_t>(static_cast<unsigned char>(page[2])) << 8 |
                      static_cast<unsigned char>(page[3]);
  return CleanField(page.substr(kHeader, length));
}

std::optional<Disk> ParseBlockDevice(const BlockDeviceFiles& files) {
  const bool excluded =
      std::any_of(std::begin(kNoDisks), std::end(kNoDisks),
                  [&](std::string_view prefix) { return files.name.starts_with(prefix); });
  const auto sectors = ToU64(Trim(files.size));
  if (excluded || !sectors || *sectors == 0 || *sectors >= kMostSectors) return std::nullopt;
  Disk disk;
  disk.name = CleanField(files.name);
  disk.model = CleanField(files.model);
  disk.serial = CleanField(files.serial);
  if (disk.serial.empty()) disk.serial = ParseVpdPage80(files.vpd_page80);
  disk.size_bytes = *sectors * kSectorBytes;
  disk.rotational = Trim(files.rotational) == "1";
  disk.removable = Trim(files.removable) == "1";
  return disk;
}

}  // namespace tentacle::agent
