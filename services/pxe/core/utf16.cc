#include "services/pxe/core/utf16.h"

#include <cstdint>

namespace tentacle::pxe {

namespace {

constexpr std::uint32_t kReplacement = 0xfffd;

// One code point from the front of `text`; its octets are taken off.
std::uint32_t TakeCodePoint(std::string_view* text) {
  const auto first = static_cast<unsigned char>(text->front());
  std::size_t length = 1;
  std::uint32_t point = first;
  if (first >= 0xf0 && first < 0xf8) {
    length = 4;
    point = first & 0x07u;
  } else if (first >= 0xe0) {
    length = 3;
    point = first & 0x0fu;
  } else if (first >= 0xc0) {
    length = 2;
    point = first & 0x1fu;
  }
  bool valid = first < 0x80 || (length > 1 && text->size() >= length);
  for (std::size_t i = 1; valid && i < length; ++i) {
    const auto next = static_cast<unsigned char>((*text)[i]);
    valid = (next & 0xc0) == 0x80;
    point = point << 6 | (next & 0x3fu);
  }
  text->remove_prefix(valid ? length : 1);
  const bool surrogate = point >= 0xd800 && point < 0xe000;
  return valid && !surrogate && point <= 0x10ffff ? point : kReplacement;
}

void Append(std::uint32_t unit, std::string* out) {
  out->push_back(static_cast<char>(unit & 0xff));
  out->push_back(static_cast<char>(unit >> 8 & 0xff));
}

}  // namespace

std::string Utf16Le(std::string_view utf8) {
  std::string out;
  while (!utf8.empty()) {
    const std::uint32_t point = TakeCodePoint(&utf8);
    if (point < 0x10000) {
      Append(point, &out);
    } else {
      Append(0xd800 + ((point - 0x10000) >> 10), &out);
      Append(0xdc00 + ((point - 0x10000) & 0x3ff), &out);
    }
  }
  return out;
}

}  // namespace tentacle::pxe
