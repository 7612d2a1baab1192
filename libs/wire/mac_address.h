// A 48-bit MAC address.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace tentacle::wire {

struct MacAddress {
  std::array<std::uint8_t, 6> octets{};

  auto operator<=>(const MacAddress&) const = default;

  std::string ToString() const;    // "52:54:00:65:d5:42"
  std::string WithDashes() const;  // "52-54-00-65-d5-42", as in file names
};

inline constexpr MacAddress kBroadcastMac{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

// Colons or dashes, any case. InvalidArgument otherwise.
absl::StatusOr<MacAddress> ParseMac(std::string_view text);

}  // namespace tentacle::wire
