#include "services/agent/core/parse_if_inet6.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>

#include "services/agent/core/fields.h"

namespace tentacle::agent {

namespace {

// RFC 5952 section 4: lower case, no leading zeros, the first longest run of two or more zero
// groups becomes "::".
std::string Shorten(const std::array<std::uint64_t, 8>& groups) {
  std::size_t best_begin = groups.size();
  std::size_t best_length = 1;
  for (std::size_t begin = 0; begin < groups.size(); ++begin) {
    std::size_t length = 0;
    while (begin + length < groups.size() && groups[begin + length] == 0)
      ++length;
    if (length > best_length) {
      best_begin = begin;
      best_length = length;
    }
  }
  std::string text;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (i == best_begin) {
      text += "::";
      i += best_length - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    text += fmt::format("{:x}", groups[i]);
  }
  return text;
}

}  // namespace

std::vector<Ipv6Address> ParseIfInet6(std::string_view text) {
  // address (32 digits), index, prefix length, scope, flags, name; all numbers hexadecimal.
  std::vector<Ipv6Address> addresses;
  for (const auto line : Lines(text)) {
    const auto fields = Fields(line);
    if (fields.size() < 6 || fields[0].size() != 32) continue;
    std::array<std::uint64_t, 8> groups{};
    bool good = true;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const auto group = ToU64(fields[0].substr(i * 4, 4), 16);
      good = good && group.has_value();
      groups[i] = group.value_or(0);
    }
    const auto prefix = ToU64(fields[2], 16);
    if (!good || !prefix || *prefix > 128) continue;
    addresses.push_back({CleanField(fields[5]), fmt::format("{}/{}", Shorten(groups), *prefix)});
  }
  return addresses;
}

}  // namespace tentacle::agent
