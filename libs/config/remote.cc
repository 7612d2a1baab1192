// What a backend may change from afar, and what stays in the hands of whoever runs the box.
#include <algorithm>
#include <array>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "libs/config/config.h"
#include "libs/config/fields.h"

namespace tentacle::config {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// A backend that could set these could cut itself off, open a port to the segment, or allow itself what the
// owner of the box refused.
constexpr std::array<std::string_view, 16> kLocalOnly = {
    "backend.url",          "backend.ca_file",
    "node",
    "uplink.admin_listen",  "pxe.admin_listen",
    "cache.admin_listen",   "discovery.admin_listen",
    "agent.admin_listen",   "pxe.dhcp_port",
    "pxe.boot_server_port", "pxe.tftp_port",
    "pxe.http_port",        "pxe.boot_dir",
    "cache.http_port",      "agent.jobs_enabled",
    "pxe.interfaces"};

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

absl::Status MergeObject(const boost::json::object& object, std::string_view path, Message* section) {
  for (const auto& entry : object) {
    const std::string key(entry.key());
    const std::string full = path.empty() ? key : fmt::format("{}.{}", path, key);
    if (IsLocalOnly(full)) return Refuse(full, "is set on the tentacle only");
    const FieldDescriptor* field = section->GetDescriptor()->FindFieldByName(key);
    if (field == nullptr) return Refuse(full, "unknown key" + Suggestion(key, *section->GetDescriptor()));
    if (absl::Status status = MergeValue(entry.value(), full, *field, section); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status MergeValue(const boost::json::value& value,
                        const std::string& path,
                        const FieldDescriptor& field,
                        Message* section) {
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    if (!value.is_object()) return Refuse(path, "want an object");
    return MergeObject(value.as_object(), path, section->GetReflection()->MutableMessage(section, &field));
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
  if (error || !value.is_object()) return absl::InvalidArgumentError("remote config: not a JSON object");
  // All or nothing: a half-applied configuration is nobody's.
  TentacleConfig merged = *config;
  if (absl::Status status = MergeObject(value.as_object(), "", &merged); !status.ok()) return status;
  *config = std::move(merged);
  return absl::OkStatus();
}

}  // namespace tentacle::config
