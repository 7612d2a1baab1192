#include "services/agent/core/parse_dmi.h"

#include <algorithm>

#include "services/agent/core/fields.h"

namespace tentacle::agent {

namespace {

constexpr std::string_view kPlaceholders[] = {
    "to be filled by o.e.m.",
    "default string",
    "system manufacturer",
    "system product name",
    "system serial number",
    "not specified",
    "not applicable",
    "not available",
    "none",
    "n/a",
    "unknown",
    "0",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "03000200-0400-0500-0006-000700080009",  // AMI's sample, on a hundred boards alike.
};

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::string ParseDmiField(std::string_view text) {
  std::string value = CleanField(text);
  std::string lower = value;
  std::transform(lower.begin(), lower.end(), lower.begin(), Lower);
  const bool nothing = std::find(std::begin(kPlaceholders), std::end(kPlaceholders), lower) !=
                       std::end(kPlaceholders);
  return nothing ? "" : value;
}

std::string ParseDeviceTreeVendor(std::string_view compatible) {
  const auto first = compatible.substr(0, compatible.find('\0'));
  const auto comma = first.find(',');
  return comma == std::string_view::npos ? "" : CleanField(first.substr(0, comma));
}

}  // namespace tentacle::agent
