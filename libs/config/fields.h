// Setting one field of a TentacleConfig from text, by reflection: the schema is the proto alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

namespace tentacle::config {

// Parses `text` into the scalar `field` of `section`. InvalidArgument: "want a number from 0 to
// 4294967295, got
// \"many\"".
absl::Status SetScalar(const std::string& text,
                       const google::protobuf::FieldDescriptor& field,
                       google::protobuf::Message* section);
// Replaces a repeated string field.
void SetList(const std::vector<std::string>& values,
             const google::protobuf::FieldDescriptor& field,
             google::protobuf::Message* section);

// "; did you mean \"x\"?" for the nearest name within two edits, else "".
std::string Suggestion(std::string_view name, const google::protobuf::Descriptor& message);

}  // namespace tentacle::config
