#include "services/agent/core/parse_smart_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "services/agent/core/fields.h"

namespace tentacle::agent {

namespace {

namespace json = boost::json;

// The value at "a/b/c"; null when one of them is missing.
const json::value* At(const json::object& object, std::string_view path) {
  const json::object* here = &object;
  for (;;) {
    const auto slash = path.find('/');
    const auto name = path.substr(0, slash);
    const auto* value = here->if_contains(json::string_view(name.data(), name.size()));
    if (value == nullptr || slash == std::string_view::npos) return value;
    here = value->if_object();
    if (here == nullptr) return nullptr;
    path.remove_prefix(slash + 1);
  }
}

std::string Text(const json::object& object, std::string_view path) {
  const auto* value = At(object, path);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? "" : CleanField({text->data(), text->size()});
}

std::optional<std::uint64_t> Number(const json::object& object, std::string_view path) {
  const auto* value = At(object, path);
  json::error_code error;
  if (value == nullptr || !value->is_number()) return std::nullopt;
  const auto number = value->to_number<std::uint64_t>(error);
  if (error) return std::nullopt;
  return number;
}

absl::StatusOr<json::object> Parse(std::string_view text) {
  json::error_code error;
  auto value = json::parse({text.data(), text.size()}, error);
  if (error || !value.is_object()) return absl::InvalidArgumentError("smartctl: no JSON object");
  return std::move(value.get_object());
}

void AtRisk(SmartHealth& health, std::string reason) {
  health.at_risk = true;
  health.reasons.push_back(std::move(reason));
}

// The attributes whose first count says most about an end that is near (Pinheiro et al., FAST
// 2007), and those in which flash tells its wear.
void ReadAttributes(const json::object& report, SmartHealth& health) {
  const auto* table = At(report, "ata_smart_attributes/table");
  const auto* rows = table == nullptr ? nullptr : table->if_array();
  if (rows == nullptr) return;
  for (const auto& row : *rows) {
    const auto* attribute = row.if_object();
    if (attribute == nullptr) continue;
    const auto id = Number(*attribute, "id").value_or(0);
    const auto raw = Number(*attribute, "raw/value").value_or(0);
    const auto normalized = Number(*attribute, "value").value_or(0);
    switch (id) {
      case 5:
        health.reallocated_sectors = raw;
        if (raw > 0) AtRisk(health, fmt::format("{} reallocated sectors", raw));
        break;
      case 187:
        if (raw > 0) AtRisk(health, fmt::format("{} uncorrectable errors reported", raw));
        break;
      case 197:
        health.pending_sectors = raw;
        if (raw > 0) AtRisk(health, fmt::format("{} sectors wait to be reallocated", raw));
        break;
      case 198:
        if (raw > 0) AtRisk(health, fmt::format("{} sectors cannot be corrected", raw));
        break;
      case 177:  // Wear_Leveling_Count, Samsung
      case 231:  // SSD_Life_Left, Kingston, SandForce
      case 233:  // Media_Wearout_Indicator, Intel
        if (normalized <= 100) health.wear_percent = 100 - static_cast<std::uint32_t>(normalized);
        break;
      default:
        break;
    }
  }
}

// NVM Express base specification, SMART / Health Information log.
void ReadNvme(const json::object& report, SmartHealth& health) {
  const auto* log = At(report, "nvme_smart_health_information_log");
  const auto* values = log == nullptr ? nullptr : log->if_object();
  if (values == nullptr) return;
  constexpr std::uint64_t kMostPercent = 255;
  const auto used = Number(*values, "percentage_used").value_or(0);
  health.wear_percent = static_cast<std::uint32_t>(std::min(used, kMostPercent));
  if (used >= 100) AtRisk(health, fmt::format("{} % of its rated writes are used", used));
  if (const auto warning = Number(*values, "critical_warning").value_or(0); warning != 0)
    AtRisk(health, fmt::format("critical warning {:#x}", warning));
  if (const auto errors = Number(*values, "media_errors").value_or(0); errors > 0)
    AtRisk(health, fmt::format("{} media errors", errors));
  const auto spare = Number(*values, "available_spare");
  const auto threshold = Number(*values, "available_spare_threshold");
  if (spare && threshold && *spare < *threshold)
    AtRisk(health, fmt::format("only {} % of its spare is left", *spare));
}

}  // namespace

absl::StatusOr<std::vector<SmartDevice>> ParseSmartScan(std::string_view text) {
  const auto report = Parse(text);
  if (!report.ok()) return report.status();
  std::vector<SmartDevice> devices;
  const auto* list = report->if_contains("devices");
  if (list == nullptr || !list->is_array()) return devices;
  for (const auto& entry : list->get_array()) {
    const auto* object = entry.if_object();
    if (object == nullptr) continue;
    SmartDevice device{Text(*object, "name"), Text(*object, "type")};
    // Both become arguments of smartctl.
    if (device.device.starts_with("/dev/") && !device.type.starts_with('-'))
      devices.push_back(std::move(device));
  }
  return devices;
}

absl::StatusOr<SmartHealth> ParseSmartReport(const SmartDevice& device, std::string_view text) {
  const auto report = Parse(text);
  if (!report.ok()) return report.status();
  if (At(*report, "smartctl") == nullptr)
    return absl::InvalidArgumentError("smartctl: no report of it");
  SmartHealth health;
  health.device = CleanField(device.device);
  health.type = CleanField(device.type);
  health.model = Text(*report, "model_name");
  health.serial = Text(*report, "serial_number");
  health.celsius = static_cast<std::uint32_t>(Number(*report, "temperature/current").value_or(0));
  health.power_on_hours = Number(*report, "power_on_time/hours").value_or(0);
  const auto* passed = At(*report, "smart_status/passed");
  const auto* verdict = passed == nullptr ? nullptr : passed->if_bool();
  health.health = verdict == nullptr ? "unknown" : *verdict ? "passed" : "failed";
  ReadAttributes(*report, health);
  ReadNvme(*report, health);
  if (verdict != nullptr && !*verdict) AtRisk(health, "its own verdict is that it fails");
  // A disk that sleeps was left asleep: smartctl says so and nothing else.
  const auto* messages = At(*report, "smartctl/messages");
  if (verdict == nullptr && messages != nullptr && messages->is_array()) {
    for (const auto& message : messages->get_array()) {
      const auto* object = message.if_object();
      if (object != nullptr && Text(*object, "string").find("STANDBY") != std::string::npos)
        health.health = "standby";
    }
  }
  return health;
}

}  // namespace tentacle::agent
