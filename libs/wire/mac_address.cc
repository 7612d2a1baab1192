#include "libs/wire/mac_address.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace tentacle::wire {

namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string MacAddress::ToString() const {
  return fmt::format("{:02x}", fmt::join(octets, ":"));
}

std::string MacAddress::WithDashes() const {
  return fmt::format("{:02x}", fmt::join(octets, "-"));
}

absl::StatusOr<MacAddress> ParseMac(std::string_view text) {
  constexpr std::size_t kLength = 17;
  const auto wrong = [&] {
    return absl::InvalidArgumentError(
        fmt::format("\"{}\" is not a MAC address", text.substr(0, 2 * kLength)));
  };
  if (text.size() != kLength) return wrong();
  const char separator = text[2];
  if (separator != ':' && separator != '-') return wrong();
  MacAddress mac;
  for (std::size_t i = 0; i < mac.octets.size(); ++i) {
    const int high = HexDigit(text[3 * i]);
    const int low = HexDigit(text[3 * i + 1]);
    if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != separator)) return wrong();
    mac.octets[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return mac;
}

}  // namespace tentacle::wire
