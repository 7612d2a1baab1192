// What a backend may change from afar, and what stays in the hands of whoever runs the box.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "libs/config/config.h"
#include "libs/config/fields.h"

namespace tentacle::config {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// A backend that could set these could cut itself off, open a port to the segment, or allow itself
// what the owner of the box refused.
constexpr std::array<std::string_view, 24> kLocalOnly = {"backend.url",
                                                         "backend.ca_file",
                                                         "node",
                                                         "uplink.admin_listen",
                                                         "pxe.admin_listen",
                                                         "cache.admin_listen",
                                                         "discovery.admin_listen",
                                                         "agent.admin_listen",
                                                         "pxe.dhcp_port",
                                                         "pxe.boot_server_port",
                                                         "pxe.tftp_port",
                                                         "pxe.http_port",
                                                         "pxe.boot_dir",
                                                         "cache.http_port",
                                                         "agent.jobs_enabled",
                                                         "pxe.interfaces",
                                                         "agent.command_key",
                                                         "agent.shell_enabled",
                                                         "agent.shell_users",
                                                         "agent.update_root_keys",
                                                         "agent.host_root",
                                                         "discovery.networks",
                                                         "discovery.exclude",
                                                         "discovery.allow_large_networks"};

bool IsLocalOnly(std::string_view path) {
  return std::find(kLocalOnly.begin(), kLocalOnly.end(), path) != kLocalOnly.end();
}

std::string ScalarText(const boost::json::value& value) {
  if (value.is_bool()) return value.as_bool() ? "true" : "false";
  if (value.is_int64()) return std::to_string(value.as_int64());
  if (value.is_uint64()) return std::to_string(value.as_uint64());
  if (value.is_string()) return std::string(value.as_string());
  return "";
}

absl::Status Refuse(std::string_view path, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("remote config: \"{}\": {}", path, what));
}

absl::Status MergeValue(const boost::json::value& value,
                        const std::string& path,
                        const FieldDescriptor& field,
                        Message* section);

// The keys of the product specification's example, which stand at the top.
struct Alias {
  std::string_view key;
  std::string_view path;    // Empty: information for people, nothing is set by it.
  std::uint64_t scale = 1;  // What a number is multiplied by.
};

constexpr std::array<Alias, 5> kAliases = {{
    {"pxe_enabled", "pxe.enabled"},
    {"cache_size_gb", "cache.max_bytes", 1'000'000'000},
    {"network_segment", ""},
    {"discovery_enabled", "discovery.enabled"},
    {"discovery_interval_min", "discovery.scan_interval_min"},
}};

// The same object in our own words; what is no alias stays as it is.
boost::json::object WithoutAliases(const boost::json::object& object) {
  boost::json::object own;
  for (const auto& entry : object) {
    const std::string_view key(entry.key().data(), entry.key().size());
    const auto* alias = std::find_if(kAliases.begin(), kAliases.end(),
                                     [key](const Alias& a) { return a.key == key; });
    if (alias == kAliases.end()) {
      // A section that an alias has begun already is added to.
      auto* present = own.if_contains(entry.key());
      if (present == nullptr || !present->is_object() || !entry.value().is_object()) {
        own[entry.key()] = entry.value();
        continue;
      }
      for (const auto& field : entry.value().get_object())
        present->get_object()[field.key()] = field.value();
      continue;
    }
    if (alias->path.empty()) continue;
    const auto dot = alias->path.find('.');
    auto& section = own[boost::json::string_view(alias->path.data(), dot)];
    if (!section.is_object()) section.emplace_object();
    boost::json::value value = entry.value();
    if (alias->scale != 1 && value.is_int64() && value.get_int64() >= 0) {
      value = static_cast<std::uint64_t>(value.get_int64()) * alias->scale;
    }
    const std::string_view field = alias->path.substr(dot + 1);
    // What is said in our own words as well counts.
    section.get_object().emplace(boost::json::string_view(field.data(), field.size()), value);
  }
  return own;
}

absl::Status MergeObject(const boost::json::object& object,
                         std::string_view path,
                         Message* section) {
  for (const auto& entry : object) {
    const std::string key(entry.key());
    const std::string full = path.empty() ? key : fmt::format("{}.{}", path, key);
    if (IsLocalOnly(full)) return Refuse(full, "is set on the tentacle only");
    const FieldDescriptor* field = section->GetDescriptor()->FindFieldByName(key);
    if (field == nullptr)
      return Refuse(full, "unknown key" + Suggestion(key, *section->GetDescriptor()));
    if (absl::Status status = MergeValue(entry.value(), full, *field, section); !status.ok())
      return status;
  }
  return absl::OkStatus();
}

absl::Status MergeValue(const boost::json::value& value,
                        const std::string& path,
                        const FieldDescriptor& field,
                        Message* section) {
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    if (!value.is_object()) return Refuse(path, "want an object");
    return MergeObject(value.as_object(), path,
                       section->GetReflection()->MutableMessage(section, &field));
  }
  if (field.is_repeated()) {
    if (!value.is_array()) return Refuse(path, "want an array of texts");
    std::vector<std::string> values;
    for (const auto& item : value.as_array()) {
      if (!item.is_string()) return Refuse(path, "want an array of texts");
      values.emplace_back(item.as_string());
    }
    SetList(values, field, section);
    return absl::OkStatus();
  }
  if (value.is_structured() || value.is_null()) return Refuse(path, "want a single value");
  const absl::Status status = SetScalar(ScalarText(value), field, section);
  return status.ok() ? status : Refuse(path, std::string(status.message()));
}

}  // namespace

absl::Status MergeRemote(std::string_view json, TentacleConfig* config) {
  if (json.empty()) return absl::OkStatus();
  boost::system::error_code error;
  const boost::json::value value = boost::json::parse({json.data(), json.size()}, error);
  if (error || !value.is_object())
    return absl::InvalidArgumentError("remote config: not a JSON object");
  // All or nothing: a half-applied configuration is nobody's.
  TentacleConfig merged = *config;
  if (absl::Status status = MergeObject(WithoutAliases(value.as_object()), "", &merged);
      !status.ok())
    return status;
  *config = std::move(merged);
  return absl::OkStatus();
}

}  // namespace tentacle::config
