#include "services/discovery/core/device.h"

#include <algorithm>
#include <array>
#include <utility>

#include "services/discovery/limits.h"

namespace tentacle::discovery {

namespace {

// IEEE 802: the first bit on the wire is the lowest of the first octet.
constexpr std::uint8_t kGroupBit = 0x01;
constexpr std::uint8_t kLocallyAdministered = 0x02;

constexpr std::array<std::string_view, 6> kSourceNames = {"arp",  "dhcp", "mdns",
                                                          "lldp", "cdp",  "netbios"};

struct Hint {
  std::string_view vendor_class_prefix;
  std::string_view system;
};

// What these clients put into option 60.
constexpr Hint kHints[] = {
    {"MSFT 5.0", "Windows"},
    {"MSFT 98", "Windows 98"},
    {"android-dhcp", "Android"},
    {"dhcpcd-", "Linux or BSD with dhcpcd"},
    {"udhcp", "embedded Linux"},
    {"PXEClient", "firmware"},
    {"HTTPClient", "firmware"},
    {"anaconda", "Linux installer"},
    {"d-i", "Debian installer"},
    {"Cisco", "Cisco device"},
    {"ArubaAP", "access point"},
    {"yealink", "telephone"},
    {"Hewlett-Packard JetDirect", "printer"},
};

}  // namespace

bool IsDeviceMac(const wire::MacAddress& mac) {
  return mac != wire::MacAddress{} && (mac.octets[0] & kGroupBit) == 0;
}

bool IsRandomMac(const wire::MacAddress& mac) {
  return (mac.octets[0] & kLocallyAdministered) != 0;
}

std::string_view SourceName(Source source) {
  return kSourceNames[static_cast<std::size_t>(source)];
}

std::optional<Source> SourceFromName(std::string_view name) {
  for (std::size_t i = 0; i < kSourceNames.size(); ++i) {
    if (kSourceNames[i] == name) return static_cast<Source>(i);
  }
  return std::nullopt;
}

std::string BestName(const std::vector<NameEvidence>& names, absl::Time now) {
  const auto rank = [now](const NameEvidence& evidence) {
    return std::pair(now - evidence.seen > limits::kNameAge, evidence.source);
  };
  const auto better = [&rank](const NameEvidence& a, const NameEvidence& b) {
    return rank(a) < rank(b);
  };
  const auto best = std::min_element(names.begin(), names.end(), better);
  return best == names.end() ? "" : best->name;
}

std::vector<OpenPort> WithGreetings(std::vector<OpenPort> found,
                                    const std::vector<OpenPort>& before) {
  for (OpenPort& port : found) {
    const auto same = [&port](const OpenPort& other) { return other.port == port.port; };
    const auto known = std::find_if(before.begin(), before.end(), same);
    if (known != before.end()) port.banner = known->banner;
  }
  return found;
}

std::string_view SystemHint(const Device& device) {
  for (const Hint& hint : kHints) {
    if (device.vendor_class.starts_with(hint.vendor_class_prefix)) return hint.system;
  }
  return {};
}

}  // namespace tentacle::discovery
