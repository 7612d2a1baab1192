#include <fmt/format.h>

#include <cctype>
#include <cstdlib>

#include "libs/config/config.h"
#include "libs/config/fields.h"

namespace tentacle::config {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::vector<std::string> SplitList(const std::string& text) {
  std::vector<std::string> parts;
  std::size_t from = 0;
  while (from <= text.size() && !text.empty()) {
    const std::size_t comma = std::min(text.find(',', from), text.size());
    if (comma > from) parts.push_back(text.substr(from, comma - from));
    from = comma + 1;
  }
  return parts;
}

absl::Status MergeSectionEnvironment(const Environment& environment,
                                     std::string_view name,
                                     Message* section) {
  const auto* descriptor = section->GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const FieldDescriptor& field = *descriptor->field(i);
    const std::string variable = EnvironmentName(name, field.name());
    const auto value = environment(variable);
    if (!value.has_value()) continue;
    if (field.is_repeated()) {
      SetList(SplitList(*value), field, section);
    } else if (absl::Status status = SetScalar(*value, field, section); !status.ok()) {
      return absl::InvalidArgumentError(
          fmt::format("{}: {}", variable, std::string(status.message())));
    }
  }
  return absl::OkStatus();
}

}  // namespace

Environment ProcessEnvironment() {
  return [](const std::string& name) -> std::optional<std::string> {
    // NOLINT(concurrency-mt-unsafe): before any thread.
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

std::string EnvironmentName(std::string_view section, std::string_view field) {
  std::string name = fmt::format("TENTACLE_{}_{}", section, field);
  for (char& c : name)
    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

absl::Status MergeEnvironment(const Environment& environment, TentacleConfig* config) {
  const auto* descriptor = config->GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const FieldDescriptor& field = *descriptor->field(i);
    Message* section = config->GetReflection()->MutableMessage(config, &field);
    if (absl::Status status = MergeSectionEnvironment(environment, field.name(), section);
        !status.ok())
      return status;
  }
  // The name that the platform's container files use.
  if (const auto url = environment("OCTOFLEET_BACKEND");
      url.has_value() && config->backend().url().empty()) {
    config->mutable_backend()->set_url(*url);
  }
  return absl::OkStatus();
}

absl::StatusOr<TentacleConfig> Load(const Layers& layers) {
  TentacleConfig config = Defaults();
  absl::Status status = MergeYaml(layers.yaml, layers.yaml_name, &config);
  if (status.ok()) status = MergeRemote(layers.remote_json, &config);
  if (status.ok() && layers.environment) status = MergeEnvironment(layers.environment, &config);
  if (status.ok()) status = Validate(config);
  if (!status.ok()) return status;
  return config;
}

}  // namespace tentacle::config
