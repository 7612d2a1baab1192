#include "services/agent/core/utf8.h"

#include <algorithm>

namespace tentacle::agent {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

unsigned char At(std::string_view text, std::size_t index) {
  return static_cast<unsigned char>(text[index]);
}

bool IsContinuation(unsigned char octet) {
  return (octet & 0xC0) == 0x80;
}

// Octets of the well-formed character at the front (RFC 3629 section 4), 0 when there is none. The
// limits of the second octet keep out overlong forms, surrogates and what lies beyond U+10FFFF.
std::size_t CharacterLength(std::string_view text) {
  const unsigned char lead = At(text, 0);
  if (lead < 0x80) return 1;
  std::size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return 0;
  }
  if (text.size() < length || At(text, 1) < low || At(text, 1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (!IsContinuation(At(text, i))) return 0;
  }
  return length;
}

}  // namespace

std::string ReplaceInvalidUtf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const std::size_t length = bytes.front() == '\0' ? 0 : CharacterLength(bytes);
    if (length == 0) {
      text += kReplacement;
      bytes.remove_prefix(1);
    } else {
      text += bytes.substr(0, length);
      bytes.remove_prefix(length);
    }
  }
  return text;
}

std::string_view CutUtf8(std::string_view text, std::size_t max) {
  if (text.size() <= max) return text;
  std::size_t end = max;
  // A character has three continuation octets at most; more of them is no UTF-8 and may be cut
  // anywhere.
  for (int back = 0; back < 3 && end > 0 && IsContinuation(At(text, end)); ++back)
    --end;
  if (IsContinuation(At(text, end))) end = max;
  return text.substr(0, end);
}

std::string_view TailUtf8(std::string_view text, std::size_t max) {
  if (text.size() <= max) return text;
  std::size_t begin = text.size() - max;
  for (int skipped = 0; skipped < 3 && begin < text.size() && IsContinuation(At(text, begin));
       ++skipped) {
    ++begin;
  }
  return text.substr(begin);
}

}  // namespace tentacle::agent
