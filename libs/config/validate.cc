#include <fmt/format.h>

#include <array>

#include <absl/strings/escaping.h>

#include "libs/config/config.h"
#include "libs/config/discovery_lists.h"
#include "libs/config/pxe_quirk.h"
#include "libs/net/address.h"
#include "libs/net/certificate_pin.h"
#include "libs/schedule/weekly.h"

namespace tentacle::config {

namespace {

struct Range {
  std::string_view name;
  std::uint64_t value;
  std::uint64_t min;
  std::uint64_t max;
};

absl::Status OneOf(std::string_view name,
                   std::string_view value,
                   std::initializer_list<std::string_view> allowed) {
  std::string list;
  for (std::string_view one : allowed) {
    if (one == value) return absl::OkStatus();
    list += fmt::format("{}{}", list.empty() ? "" : ", ", one);
  }
  return absl::InvalidArgumentError(
      fmt::format("\"{}\": want one of {}, got \"{}\"", name, list, value));
}

absl::Status CheckRanges(const TentacleConfig& c) {
  constexpr std::uint64_t kMaxPort = 65'535;
  const std::array<Range, 19> ranges = {{
      {"uplink.ping_interval_s", c.uplink().ping_interval_s(), 1, 3600},
      {"uplink.backoff_base_ms", c.uplink().backoff_base_ms(), 10, 60'000},
      {"uplink.backoff_cap_ms", c.uplink().backoff_cap_ms(), c.uplink().backoff_base_ms(),
       3'600'000},
      {"pxe.dhcp_port", c.pxe().dhcp_port(), 1, kMaxPort},
      {"pxe.boot_server_port", c.pxe().boot_server_port(), 1, kMaxPort},
      {"pxe.tftp_port", c.pxe().tftp_port(), 1, kMaxPort},
      {"pxe.http_port", c.pxe().http_port(), 1, kMaxPort},
      {"pxe.max_tftp_sessions", c.pxe().max_tftp_sessions(), 1, 65'536},
      {"cache.http_port", c.cache().http_port(), 1, kMaxPort},
      {"cache.max_bytes", c.cache().max_bytes(), 1 << 20, 1ull << 50},
      {"cache.wan_limit_mbit", c.cache().wan_limit_mbit(), 0, 1'000'000},
      {"cache.min_free_bytes", c.cache().min_free_bytes(), 32 << 20, 1ull << 50},
      {"discovery.scan_interval_min", c.discovery().scan_interval_min(), 0, 10'080},
      {"discovery.ping_interval_s", c.discovery().ping_interval_s(), 1, 86'400},
      {"discovery.probes_per_second", c.discovery().probes_per_second(), 1, 10'000},
      {"agent.metrics_interval_s", c.agent().metrics_interval_s(), 1, 86'400},
      {"agent.inventory_interval_min", c.agent().inventory_interval_min(), 1, 10'080},
      {"agent.journal_priority", c.agent().journal_priority(), 0, 7},
      {"agent.journal_entries_per_minute", c.agent().journal_entries_per_minute(), 1, 100'000},
  }};
  for (const Range& range : ranges) {
    if (range.value >= range.min && range.value <= range.max) continue;
    return absl::InvalidArgumentError(fmt::format("\"{}\": want {} to {}, got {}", range.name,
                                                  range.min, range.max, range.value));
  }
  return absl::OkStatus();
}

absl::Status CheckQuirks(const v1::PxeConfig& pxe) {
  if (static_cast<std::size_t>(pxe.quirks_size()) > kMaxPxeQuirks) {
    return absl::InvalidArgumentError(fmt::format("\"pxe.quirks\": want at most {} rows, got {}",
                                                  kMaxPxeQuirks, pxe.quirks_size()));
  }
  for (const std::string& row : pxe.quirks()) {
    const auto quirk = ParsePxeQuirk(row);
    if (quirk.ok()) continue;
    return absl::InvalidArgumentError(
        fmt::format("\"pxe.quirks\": \"{}\": {}", row, std::string(quirk.status().message())));
  }
  return absl::OkStatus();
}

absl::Status CheckCalendar(const TentacleConfig& c) {
  const auto zone = schedule::LoadZone(c.cache().time_zone());
  if (!zone.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("\"cache.time_zone\": {}", std::string(zone.status().message())));
  }
  const auto calendar = schedule::BandwidthCalendar::Parse(
      {c.cache().wan_calendar().begin(), c.cache().wan_calendar().end()},
      c.cache().wan_limit_mbit(), *zone);
  if (calendar.ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("\"cache.wan_calendar\": {}", std::string(calendar.status().message())));
}

absl::Status CheckRootKeys(const v1::AgentConfig& agent) {
  constexpr int kMaxRootKeys = 8;
  constexpr std::size_t kKeyBytes = 32;
  if (agent.update_root_keys_size() > kMaxRootKeys) {
    return absl::InvalidArgumentError(
        fmt::format("\"agent.update_root_keys\": want at most {} keys", kMaxRootKeys));
  }
  for (const std::string& key : agent.update_root_keys()) {
    std::string raw;
    if (absl::Base64Unescape(key, &raw) && raw.size() == kKeyBytes) continue;
    return absl::InvalidArgumentError(
        fmt::format("\"agent.update_root_keys\": \"{}\": want a raw Ed25519 key in base64", key));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Validate(const TentacleConfig& c) {
  absl::Status status = CheckRanges(c);
  status.Update(CheckQuirks(c.pxe()));
  status.Update(CheckCalendar(c));
  status.Update(CheckRootKeys(c.agent()));
  if (!c.agent().host_root().starts_with('/')) {
    status.Update(absl::InvalidArgumentError(fmt::format(
        "\"agent.host_root\": want an absolute path, got \"{}\"", c.agent().host_root())));
  }
  status.Update(OneOf("log.level", c.log().level(), {"debug", "info", "warning", "error"}));
  status.Update(CheckDiscoveryLists(c.discovery()));
  status.Update(OneOf("uplink.mode", c.uplink().mode(), {"full", "relay", "passive"}));
  const std::string& url = c.backend().url();
  if (!url.empty() && !url.starts_with("https://") && !url.starts_with("http://")) {
    status.Update(absl::InvalidArgumentError(
        fmt::format("\"backend.url\": want https:// or http://, got \"{}\"", url)));
  }
  const absl::Status pins =
      net::CheckPinSet({c.backend().pins().begin(), c.backend().pins().end()});
  if (!pins.ok()) {
    status.Update(absl::InvalidArgumentError(
        fmt::format("\"backend.pins\": {}", std::string(pins.message()))));
  }
  const std::array<std::pair<std::string_view, std::string>, 5> listens = {{
      {"uplink.admin_listen", c.uplink().admin_listen()},
      {"pxe.admin_listen", c.pxe().admin_listen()},
      {"cache.admin_listen", c.cache().admin_listen()},
      {"discovery.admin_listen", c.discovery().admin_listen()},
      {"agent.admin_listen", c.agent().admin_listen()},
  }};
  for (const auto& [name, value] : listens) {
    const auto endpoint = net::ParseTcpEndpoint(value);
    if (endpoint.ok()) continue;
    status.Update(absl::InvalidArgumentError(
        fmt::format("\"{}\": {}", name, std::string(endpoint.status().message()))));
  }
  return status;
}

}  // namespace tentacle::config
