#include "services/agent/core/parse_smbios_memory.h"

#include <cstddef>
#include <string>

#include "services/agent/core/fields.h"

namespace tentacle::agent {

namespace {

constexpr std::uint8_t kMemoryDevice = 17;
constexpr std::size_t kOldestLength = 0x15;  // Of SMBIOS 2.1: up to and with the type detail.

// Reads a structure; what lies beyond its length, in an older version of the table, is 0.
class Structure {
 public:
  explicit Structure(std::string_view raw) : raw_(raw) {}

  std::uint8_t Byte(std::size_t at) const {
    return at < length() ? static_cast<std::uint8_t>(raw_[at]) : 0;
  }

  std::uint16_t Word(std::size_t at) const {
    return static_cast<std::uint16_t>(Byte(at) | Byte(at + 1) << 8);
  }

  std::uint32_t Double(std::size_t at) const {
    return Word(at) | static_cast<std::uint32_t>(Word(at + 2)) << 16;
  }

  // The strings stand behind the structure, each ended by NUL, numbered from 1.
  std::string Text(std::size_t at) const {
    std::uint8_t number = Byte(at);
    if (number == 0) return "";
    std::string_view rest = raw_.substr(length());
    for (; number > 1; --number) {
      const auto end = rest.find('\0');
      if (end == std::string_view::npos) return "";
      rest.remove_prefix(end + 1);
    }
    return CleanField(rest.substr(0, rest.find('\0')));
  }

  std::size_t length() const {
    const auto stated = raw_.size() > 1 ? static_cast<std::uint8_t>(raw_[1]) : std::uint8_t{0};
    return stated <= raw_.size() ? stated : raw_.size();
  }

 private:
  std::string_view raw_;
};

std::string TypeName(std::uint8_t code) {
  switch (code) {
    case 0x07:
      return "RAM";
    case 0x0F:
      return "SDRAM";
    case 0x12:
      return "DDR";
    case 0x13:
      return "DDR2";
    case 0x18:
      return "DDR3";
    case 0x1A:
      return "DDR4";
    case 0x1D:
      return "LPDDR3";
    case 0x1E:
      return "LPDDR4";
    case 0x22:
      return "DDR5";
    case 0x23:
      return "LPDDR5";
    default:
      return "";
  }
}

std::uint64_t SizeOf(const Structure& device) {
  constexpr std::uint16_t kUnknown = 0xFFFF;
  constexpr std::uint16_t kExtended = 0x7FFF;
  constexpr std::uint16_t kInKilobytes = 0x8000;
  const std::uint16_t size = device.Word(0x0C);
  if (size == kUnknown) return 0;
  if (size == kExtended) return std::uint64_t{device.Double(0x1C) & 0x7FFFFFFF} << 20;
  if ((size & kInKilobytes) != 0) return std::uint64_t{size & 0x7FFFu} << 10;
  return std::uint64_t{size} << 20;
}

}  // namespace

std::optional<MemoryModule> ParseSmbiosMemory(std::string_view raw) {
  const Structure device(raw);
  if (device.length() < kOldestLength || device.Byte(0) != kMemoryDevice) return std::nullopt;
  MemoryModule module;
  module.size_bytes = SizeOf(device);
  if (module.size_bytes == 0) return std::nullopt;
  module.slot = device.Text(0x10);
  module.type = TypeName(device.Byte(0x12));
  module.manufacturer = device.Text(0x17);
  module.serial = device.Text(0x18);
  module.part_number = device.Text(0x1A);
  module.megatransfers = device.Word(0x20) != 0 ? device.Word(0x20) : device.Word(0x15);
  return module;
}

}  // namespace tentacle::agent
