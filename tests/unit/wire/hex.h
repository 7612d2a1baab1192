// Octets written the way a capture shows them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "libs/wire/reader.h"

namespace tentacle::testing {

// "0001 0800 52:54" -> octets; everything but hex digits is passed over.
inline wire::Buffer FromHex(std::string_view text) {
  wire::Buffer out;
  int high = -1;
  for (const char c : text) {
    int digit = -1;
    if (c >= '0' && c <= '9') digit = c - '0';
    if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
    if (digit < 0) continue;
    if (high < 0) {
      high = digit;
    } else {
      out.push_back(static_cast<std::uint8_t>(high << 4 | digit));
      high = -1;
    }
  }
  EXPECT_EQ(high, -1) << "an odd number of hex digits";
  return out;
}

inline std::string ToHex(wire::Bytes bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t octet : bytes) {
    out += kDigits[octet >> 4];
    out += kDigits[octet & 0xf];
  }
  return out;
}

inline wire::Buffer FromText(std::string_view text) {
  return {text.begin(), text.end()};
}

}  // namespace tentacle::testing
