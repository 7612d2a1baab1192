// Section 4 of docs/protocol.md: a task's JSON to a BootTask. What is checked here reaches iPXE
// scripts, kernel command lines and file names, so a doubtful value is refused with the name of its
// field.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <utility>

#include <absl/time/time.h>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "libs/backend_link/messages.h"
#include "libs/backend_link/task_fields.h"
#include "libs/text/view.h"

namespace tentacle::backend_link {

namespace {

namespace json = boost::json;
using task::v1::BootTask;

constexpr std::size_t kMaxIdBytes = 128;            // A UUID has 36; a file name has room for 128.
constexpr std::size_t kMaxSshKeys = 64;             // More administrators than any branch has.
constexpr std::size_t kMaxSshKeyBytes = 16 * 1024;  // An RSA key of 16,384 bits has 2.8 KB.
constexpr std::size_t kMaxDnsServers = 16;          // A resolver asks 3 of them at most.
constexpr std::size_t kMaxHostnameBytes = 253;      // RFC 1035 section 2.3.4, written form.
constexpr std::size_t kMaxLabelBytes = 63;

struct OsType {
  std::string_view name;
  bool needs_image;
};

constexpr std::array<OsType, 7> kOsTypes = {{{"windows", true},
                                             {"linux-image", true},
                                             {"debian-preseed", false},
                                             {"ubuntu-autoinstall", true},
                                             {"rhel-kickstart", false},
                                             {"local-boot", false},
                                             {"plain-kernel", false}}};

bool IsHexDigit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool IsAlphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool IsControl(char c, bool lines_allowed) {
  if (lines_allowed && (c == '\n' || c == '\r' || c == '\t')) return false;
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

// No control character in any string of the task, known field or not. Only postInstall holds
// scripts. The parser has limited the depth to kMaxDepth.
absl::Status CheckStrings(const json::value& value, const std::string& path, bool lines_allowed) {
  if (const auto* text = value.if_string()) {
    for (const char c : *text) {
      if (IsControl(c, lines_allowed)) return Wrong(path, "has a control character");
    }
  } else if (const auto* list = value.if_array()) {
    for (const auto& element : *list) {
      if (auto status = CheckStrings(element, path, lines_allowed); !status.ok()) return status;
    }
  } else if (const auto* object = value.if_object()) {
    for (const auto& field : *object) {
      const std::string name(field.key());
      const bool script = lines_allowed || (path.empty() && name == "postInstall");
      const std::string below = path.empty() ? name : fmt::format("{}.{}", path, name);
      if (auto status = CheckStrings(field.value(), below, script); !status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

// An id becomes part of paths and file names: printable ASCII without blanks and slashes.
absl::StatusOr<std::string> Id(const json::object& object, std::string_view name) {
  auto id = Text(object, name, name, kMaxIdBytes);
  if (!id.ok()) return id;
  if (id->empty()) return Wrong(name, "is missing");
  for (const char c : *id) {
    if (c <= ' ' || c >= 0x7f || c == '/' || c == '\\') {
      return Wrong(name, "has a character that an id may not have");
    }
  }
  if (*id == "." || *id == "..") return Wrong(name, "is not an id");
  return id;
}

// "52-54-00-65-D5-42" and "52:54:00:65:d5:42" -> the latter.
absl::StatusOr<std::string> Mac(const json::object& object) {
  auto mac = Text(object, "mac", "mac");
  if (!mac.ok()) return mac;
  if (mac->empty()) return Wrong("mac", "is missing");
  if (mac->size() != 17) return Wrong("mac", "is not a MAC address");
  for (std::size_t i = 0; i < mac->size(); ++i) {
    char& c = (*mac)[i];
    const bool separator = i % 3 == 2;
    if (separator ? (c != ':' && c != '-') : !IsHexDigit(c)) {
      return Wrong("mac", "is not a MAC address");
    }
    if (separator) c = ':';
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  // The low bit of the first octet marks a group (IEEE 802): no machine has such an address.
  if (std::string_view("13579bdf").find((*mac)[1]) != std::string_view::npos) {
    return Wrong("mac", "is a group address");
  }
  if (*mac == "00:00:00:00:00:00") return Wrong("mac", "is all zero");
  return mac;
}

bool IsLabel(std::string_view label) {
  if (label.empty() || label.size() > kMaxLabelBytes) return false;
  if (label.front() == '-' || label.back() == '-') return false;
  for (const char c : label) {
    if (!IsAlphanumeric(c) && c != '-') return false;
  }
  return true;
}

// RFC 1123 section 2.1: letters, digits and hyphens; a label may begin with a digit.
absl::StatusOr<std::string> Hostname(const json::object& object) {
  auto hostname = Text(object, "hostname", "hostname", kMaxHostnameBytes);
  if (!hostname.ok()) return hostname;
  if (hostname->empty()) return Wrong("hostname", "is missing");
  std::string_view rest = *hostname;
  for (;;) {
    const std::size_t dot = rest.find('.');
    if (!IsLabel(rest.substr(0, dot))) return Wrong("hostname", "is not a host name (RFC 1123)");
    if (dot == std::string_view::npos) return hostname;
    rest.remove_prefix(dot + 1);
  }
}

// Four decimal numbers without leading zeros: "010" means 8 to some and 10 to others.
bool IsIpv4(std::string_view text) {
  for (int octets = 1;; ++octets) {
    const std::size_t dot = text.find('.');
    const std::string_view part = text.substr(0, dot);
    if (part.empty() || part.size() > 3 || (part.size() > 1 && part[0] == '0')) return false;
    int value = 0;
    for (const char c : part) {
      if (c < '0' || c > '9') return false;
      value = value * 10 + (c - '0');
    }
    if (value > 255) return false;
    if (dot == std::string_view::npos) return octets == 4;
    if (octets == 4) return false;
    text.remove_prefix(dot + 1);
  }
}

absl::StatusOr<std::string> Address(const json::object& object,
                                    std::string_view name,
                                    std::string_view field) {
  auto address = Text(object, name, field);
  if (address.ok() && !address->empty() && !IsIpv4(*address)) {
    return Wrong(field, "is not an IPv4 address");
  }
  return address;
}

absl::Status ParseNetwork(const json::object& task, task::v1::NetworkPlan& plan) {
  const auto network = Section(task, "network");
  if (!network.ok()) return network.status();
  plan.set_dhcp(true);
  if (*network == nullptr) return absl::OkStatus();

  const auto address = Address(**network, "ip", "network.ip");
  if (!address.ok()) return address.status();
  bool dhcp = address->empty();
  if (const auto* value = (*network)->if_contains("dhcp")) {
    if (value->if_bool() == nullptr) return Wrong("network.dhcp", "is neither true nor false");
    dhcp = value->get_bool();
  }
  plan.set_dhcp(dhcp);
  if (dhcp) return absl::OkStatus();

  if (address->empty()) return Wrong("network.ip", "is missing while dhcp is false");
  const auto prefix = Number(**network, "prefix", "network.prefix", 32);
  if (!prefix.ok()) return prefix.status();
  if (*prefix == 0) return Wrong("network.prefix", "is missing while dhcp is false");
  const auto gateway = Address(**network, "gateway", "network.gateway");
  if (!gateway.ok()) return gateway.status();
  const auto dns = TextList(**network, "dns", "network.dns", kMaxDnsServers, kMaxTextBytes);
  if (!dns.ok()) return dns.status();
  plan.set_address(*address);
  plan.set_prefix_length(static_cast<std::uint32_t>(*prefix));
  plan.set_gateway(*gateway);
  for (const auto& server : *dns) {
    if (!IsIpv4(server)) return Wrong("network.dns", "holds something that is no IPv4 address");
    plan.add_dns_servers(server);
  }
  return absl::OkStatus();
}

absl::Status ParseDisk(const json::object& task, task::v1::DiskPlan& plan) {
  const auto disk = Section(task, "disk");
  if (!disk.ok()) return disk.status();
  if (*disk == nullptr) return absl::OkStatus();
  const auto serial = Text(**disk, "serial", "disk.serial");
  if (!serial.ok()) return serial.status();
  const auto path = Text(**disk, "path", "disk.path");
  if (!path.ok()) return path.status();
  if (!path->empty() && (path->rfind("/dev/", 0) != 0 || path->find("..") != std::string::npos)) {
    return Wrong("disk.path", "is not below /dev");
  }
  const auto size =
      Number(**disk, "minSizeBytes", "disk.minSizeBytes", std::numeric_limits<std::int64_t>::max());
  if (!size.ok()) return size.status();
  plan.set_serial(*serial);
  plan.set_path(*path);
  plan.set_min_size_bytes(*size);
  return absl::OkStatus();
}

absl::StatusOr<task::v1::RelayRole> Relay(const json::object& task) {
  const auto role = Text(task, "relay", "relay");
  if (!role.ok()) return role.status();
  if (role->empty()) return task::v1::RELAY_ROLE_UNSPECIFIED;
  if (*role == "owner") return task::v1::RELAY_ROLE_OWNER;
  if (*role == "standby") return task::v1::RELAY_ROLE_STANDBY;
  return Wrong("relay", "is neither owner nor standby");
}

absl::Status ParseIdentity(const json::object& task, BootTask& parsed) {
  const auto id = Id(task, "id");
  if (!id.ok()) return id.status();
  const auto mac = Mac(task);
  if (!mac.ok()) return mac.status();
  const auto hostname = Hostname(task);
  if (!hostname.ok()) return hostname.status();
  const auto os_type = Text(task, "osType", "osType");
  if (!os_type.ok()) return os_type.status();
  const auto is_it = [&os_type](const OsType& one) { return one.name == *os_type; };
  const auto known = std::find_if(kOsTypes.begin(), kOsTypes.end(), is_it);
  if (known == kOsTypes.end()) {
    return Wrong("osType", fmt::format("\"{}\" is not known", *os_type));
  }
  const auto named = Text(task, "imageId", "imageId", kMaxIdBytes);
  if (!named.ok()) return named.status();
  const bool image_needed = known->needs_image || !named->empty();
  const auto image = image_needed ? Id(task, "imageId") : named;
  if (!image.ok()) return image.status();
  const auto platform = Text(task, "platform", "platform");
  if (!platform.ok()) return platform.status();
  const auto relay = Relay(task);
  if (!relay.ok()) return relay.status();
  parsed.set_relay(*relay);
  parsed.set_id(*id);
  parsed.set_mac(*mac);
  parsed.set_hostname(*hostname);
  parsed.set_image_id(*image);
  parsed.set_os_type(*os_type);
  parsed.set_platform(*platform);
  return absl::OkStatus();
}

absl::Status ParseSettings(const json::object& task, BootTask& parsed) {
  const auto locale = Text(task, "locale", "locale");
  if (!locale.ok()) return locale.status();
  const auto timezone = Text(task, "timezone", "timezone");
  if (!timezone.ok()) return timezone.status();
  const auto keys = TextList(task, "sshKeys", "sshKeys", kMaxSshKeys, kMaxSshKeyBytes);
  if (!keys.ok()) return keys.status();
  const auto deadline = Text(task, "deadline", "deadline");
  if (!deadline.ok()) return deadline.status();
  parsed.set_locale(*locale);
  parsed.set_timezone(*timezone);
  for (const auto& key : *keys)
    parsed.add_ssh_keys(key);
  if (deadline->empty()) return absl::OkStatus();

  absl::Time time;
  std::string why;
  if (!absl::ParseTime(absl::RFC3339_full, text::AbslView(*deadline), &time, &why)) {
    return Wrong("deadline", "is not a time (RFC 3339)");
  }
  const std::int64_t seconds = absl::ToUnixSeconds(time);
  parsed.mutable_deadline()->set_seconds(seconds);
  parsed.mutable_deadline()->set_nanos(
      static_cast<std::int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<BootTask> ParseTask(const json::object& task) {
  BootTask parsed;
  absl::Status status = CheckStrings(json::value(task), "", false);
  if (status.ok()) status = ParseIdentity(task, parsed);
  if (status.ok()) status = ParseNetwork(task, *parsed.mutable_network());
  if (status.ok()) status = ParseDisk(task, *parsed.mutable_disk());
  if (status.ok()) status = ParseSettings(task, parsed);
  if (status.ok()) status = ParseInstallation(task, parsed);
  if (!status.ok()) return status;
  parsed.set_source_json(json::serialize(task));
  return parsed;
}

}  // namespace tentacle::backend_link
