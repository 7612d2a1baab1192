#include "services/discovery/core/oui.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace tentacle::discovery {

namespace {

#include "services/discovery/core/oui_data.inc"

// The offset of a name, in hex digits (tools/make_oui_table.py, OFFSET_DIGITS).
constexpr std::size_t kOffsetDigits = 5;

struct Registry {
  std::string_view records;
  std::size_t prefix_digits;
};

// The longest prefix first. sizeof, because counting a megabyte is not the start's business.
constexpr std::array<Registry, 3> kRegistries = {{
    {{kOui36, sizeof kOui36 - 1}, 9},
    {{kOui28, sizeof kOui28 - 1}, 7},
    {{kOui24, sizeof kOui24 - 1}, 6},
}};

constexpr std::uint8_t kLocallyAdministered = 0x02;

std::size_t HexValue(std::string_view digits) {
  std::size_t value = 0;
  for (const char c : digits) {
    value = value * 16 + static_cast<std::size_t>(c <= '9' ? c - '0' : c - 'A' + 10);
  }
  return value;
}

std::array<char, 12> HexDigits(const wire::MacAddress& mac) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::array<char, 12> digits{};
  for (std::size_t i = 0; i < 6; ++i) {
    digits[2 * i] = kDigits[mac.octets[i] >> 4];
    digits[2 * i + 1] = kDigits[mac.octets[i] & 0xf];
  }
  return digits;
}

// Binary search over records of fixed width; hex digits of one case sort as their values do.
std::string_view Find(std::string_view records, std::string_view prefix) {
  const std::size_t width = prefix.size() + kOffsetDigits;
  std::size_t low = 0;
  std::size_t high = records.size() / width;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    const std::string_view record = records.substr(middle * width, width);
    const int order = record.substr(0, prefix.size()).compare(prefix);
    if (order == 0) {
      const std::string_view names(kOuiNames, sizeof kOuiNames - 1);
      const std::size_t begin = HexValue(record.substr(prefix.size()));
      return names.substr(begin, names.find('\n', begin) - begin);
    }
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return {};
}

}  // namespace

std::string_view VendorOf(const wire::MacAddress& mac) {
  if ((mac.octets[0] & kLocallyAdministered) != 0) return {};
  const std::array<char, 12> digits = HexDigits(mac);
  const std::string_view text(digits.data(), digits.size());
  for (const Registry& registry : kRegistries) {
    const std::string_view vendor = Find(registry.records, text.substr(0, registry.prefix_digits));
    if (!vendor.empty()) return vendor;
  }
  return {};
}

std::string_view OuiDate() {
  return kOuiDate;
}

}  // namespace tentacle::discovery
