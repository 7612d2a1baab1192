#include "services/pxe/core/escape.h"

#include <algorithm>
#include <iterator>

namespace tentacle::pxe {

namespace {

constexpr std::string_view kWordPunctuation = "._-";
constexpr std::string_view kBootPunctuation = "._-:/,=+@~;?&";

bool IsAlphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

template <class Predicate>
std::string Filtered(std::string_view text, Predicate keep) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out), keep);
  return out;
}

bool IsControl(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

}  // namespace

std::string OnlyWords(std::string_view text, std::string_view also) {
  return Filtered(text, [also](char c) {
    return IsAlphanumeric(c) || kWordPunctuation.find(c) != std::string_view::npos ||
           also.find(c) != std::string_view::npos;
  });
}

std::string BootWord(std::string_view text) {
  return Filtered(text, [](char c) {
    return IsAlphanumeric(c) || kBootPunctuation.find(c) != std::string_view::npos;
  });
}

std::string ConsoleText(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    const bool harmless =
        IsAlphanumeric(c) || std::string_view(" ._-:/,=+()%").find(c) != std::string_view::npos;
    if (!harmless) c = '?';
  }
  return out;
}

std::string ShellQuote(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else if (c != '\0') {
      out += c;
    }
  }
  return out + "'";
}

std::string OneLineOf(std::string_view text) {
  return Filtered(text, [](char c) { return !IsControl(c); });
}

std::string LocaleOf(std::string_view locale) {
  std::string safe = OnlyWords(locale, "@");
  return safe.empty() || safe != locale || !IsLetter(safe.front()) ? "en_US.UTF-8" : safe;
}

std::string TimezoneOf(std::string_view timezone) {
  std::string safe = OnlyWords(timezone, "/+");
  const bool climbs = safe.find("..") != std::string::npos;
  return safe.empty() || safe != timezone || climbs || !IsLetter(safe.front()) ? "Etc/UTC" : safe;
}

}  // namespace tentacle::pxe
