// The only file that includes yaml-cpp.
#include <fmt/format.h>

#include <yaml-cpp/yaml.h>

#include "libs/config/config.h"
#include "libs/config/fields.h"

namespace tentacle::config {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr std::size_t kMaxYamlBytes = 256 * 1024;

absl::Status At(std::string_view name, const YAML::Mark& mark, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("{}:{}: {}", name, mark.line + 1, what));
}

absl::Status MergeList(std::string_view name,
                       const YAML::Node& node,
                       const std::string& path,
                       const FieldDescriptor& field,
                       Message* section) {
  if (!node.IsSequence()) return At(name, node.Mark(), fmt::format("\"{}\": want a list", path));
  std::vector<std::string> values;
  for (const auto& item : node) {
    if (!item.IsScalar())
      return At(name, item.Mark(), fmt::format("\"{}\": want a list of texts", path));
    values.push_back(item.Scalar());
  }
  SetList(values, field, section);
  return absl::OkStatus();
}

absl::Status MergeSection(std::string_view name,
                          const YAML::Node& node,
                          std::string_view path,
                          Message* section) {
  if (!node.IsMap())
    return At(name, node.Mark(), fmt::format("\"{}\": want a section with keys", path));
  for (const auto& entry : node) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
    const std::string full = path.empty() ? key : fmt::format("{}.{}", path, key);
    const FieldDescriptor* field = section->GetDescriptor()->FindFieldByName(key);
    if (field == nullptr) {
      return At(
          name, entry.first.Mark(),
          fmt::format("unknown key \"{}\"{}", full, Suggestion(key, *section->GetDescriptor())));
    }
    absl::Status status;
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      status = MergeSection(name, entry.second, full,
                            section->GetReflection()->MutableMessage(section, field));
    } else if (field->is_repeated()) {
      status = MergeList(name, entry.second, full, *field, section);
    } else if (!entry.second.IsScalar()) {
      status = At(name, entry.second.Mark(), fmt::format("\"{}\": want a single value", full));
    } else if (status = SetScalar(entry.second.Scalar(), *field, section); !status.ok()) {
      status = At(name, entry.second.Mark(),
                  fmt::format("\"{}\": {}", full, std::string(status.message())));
    }
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

void EmitField(YAML::Emitter& out, const Message& section, const FieldDescriptor& field) {
  const auto* reflection = section.GetReflection();
  out << YAML::Key << field.name() << YAML::Value;
  if (field.is_repeated()) {
    out << YAML::Flow << YAML::BeginSeq;
    for (int i = 0; i < reflection->FieldSize(section, &field); ++i) {
      out << reflection->GetRepeatedString(section, &field, i);
    }
    out << YAML::EndSeq;
    return;
  }
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      out << reflection->GetString(section, &field);
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      out << reflection->GetBool(section, &field);
      break;
    case FieldDescriptor::CPPTYPE_UINT32:
      out << reflection->GetUInt32(section, &field);
      break;
    default:
      out << reflection->GetUInt64(section, &field);
      break;
  }
}

void EmitSection(YAML::Emitter& out, const Message& message) {
  out << YAML::BeginMap;
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      const Message& section = message.GetReflection()->GetMessage(message, field);
      if (section.ByteSizeLong() == 0) continue;
      out << YAML::Key << field->name() << YAML::Value;
      EmitSection(out, section);
    } else {
      EmitField(out, message, *field);
    }
  }
  out << YAML::EndMap;
}

}  // namespace

absl::Status MergeYaml(std::string_view text, std::string_view name, TentacleConfig* config) {
  if (text.size() > kMaxYamlBytes) {
    return absl::InvalidArgumentError(fmt::format("{}: larger than {} bytes", name, kMaxYamlBytes));
  }
  try {  // yaml-cpp reports errors by exceptions; none leaves this file.
    const YAML::Node root = YAML::Load(std::string(text));
    if (root.IsNull()) return absl::OkStatus();
    return MergeSection(name, root, "", config);
  } catch (const YAML::Exception& e) {
    return At(name, e.mark, e.msg);
  }
}

std::string ToYaml(const TentacleConfig& config) {
  YAML::Emitter out;
  EmitSection(out, config);
  return std::string(out.c_str()) + "\n";
}

}  // namespace tentacle::config
