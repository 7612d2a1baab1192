#include "libs/config/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>

namespace tentacle::config {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr std::size_t kSuggestWithin = 2;

template <class Number>
absl::Status ParseNumber(const std::string& text, Number* out) {
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, *out);
  if (error == std::errc() && stopped == end && !text.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("want a number from 0 to {}, got \"{}\"",
                                                std::numeric_limits<Number>::max(), text));
}

absl::Status ParseBool(const std::string& text, bool* out) {
  const bool yes = text == "true" || text == "yes" || text == "on" || text == "1";
  const bool no = text == "false" || text == "no" || text == "off" || text == "0";
  if (!yes && !no)
    return absl::InvalidArgumentError(fmt::format("want true or false, got \"{}\"", text));
  *out = yes;
  return absl::OkStatus();
}

// Levenshtein.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

}  // namespace

absl::Status SetScalar(const std::string& text, const FieldDescriptor& field, Message* section) {
  const auto* reflection = section->GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      reflection->SetString(section, &field, text);
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_BOOL: {
      bool value = false;
      absl::Status status = ParseBool(text, &value);
      if (status.ok()) reflection->SetBool(section, &field, value);
      return status;
    }
    case FieldDescriptor::CPPTYPE_UINT32: {
      std::uint32_t value = 0;
      absl::Status status = ParseNumber(text, &value);
      if (status.ok()) reflection->SetUInt32(section, &field, value);
      return status;
    }
    case FieldDescriptor::CPPTYPE_UINT64: {
      std::uint64_t value = 0;
      absl::Status status = ParseNumber(text, &value);
      if (status.ok()) reflection->SetUInt64(section, &field, value);
      return status;
    }
    default:
      return absl::InternalError(
          fmt::format("{}: a type that the loader does not know", field.full_name()));
  }
}

void SetList(const std::vector<std::string>& values,
             const FieldDescriptor& field,
             Message* section) {
  const auto* reflection = section->GetReflection();
  reflection->ClearField(section, &field);
  for (const std::string& value : values)
    reflection->AddString(section, &field, value);
}

std::string Suggestion(std::string_view name, const Descriptor& message) {
  const FieldDescriptor* nearest = nullptr;
  std::size_t best = kSuggestWithin + 1;
  for (int i = 0; i < message.field_count(); ++i) {
    const std::size_t distance = Distance(name, message.field(i)->name());
    if (distance < best) {
      best = distance;
      nearest = message.field(i);
    }
  }
  return nearest == nullptr ? "" : fmt::format("; did you mean \"{}\"?", nearest->name());
}

}  // namespace tentacle::config
