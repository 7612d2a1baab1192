#include "libs/backend_link/messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "libs/text/view.h"

namespace tentacle::backend_link {

namespace {

namespace json = boost::json;
using task::v1::TaskStatus;

// An id is "<service>/<epoch>/<sequence>" or a UUID; whatever is longer is kept in no table of
// ours.
constexpr std::size_t kMaxIdBytes = 256;
// "discovery.result" has 16 characters; a type is a metric's label, so it may not be a whole page.
constexpr std::size_t kMaxTypeBytes = 64;

struct StatusWord {
  TaskStatus status;
  std::string_view name;
};

constexpr std::array<StatusWord, 6> kStatusWords = {{
    {TaskStatus::TASK_STATUS_WAITING, "waiting"},
    {TaskStatus::TASK_STATUS_BOOTING, "booting"},
    {TaskStatus::TASK_STATUS_INSTALLING, "installing"},
    {TaskStatus::TASK_STATUS_COMPLETE, "complete"},
    {TaskStatus::TASK_STATUS_FAILED, "failed"},
    {TaskStatus::TASK_STATUS_CANCELLED, "cancelled"},
}};

absl::Status Wrong(std::string_view what) {
  return absl::InvalidArgumentError(text::AbslView(what));
}

// Takes a string field out of the object, so that what is left is the body.
absl::StatusOr<std::optional<std::string>> TakeString(json::object& object,
                                                      std::string_view name,
                                                      std::size_t max_bytes) {
  const auto found = object.find(name);
  if (found == object.end()) return std::nullopt;
  const auto* text = found->value().if_string();
  if (text == nullptr) return Wrong(fmt::format("{} is not a string", name));
  if (text->empty()) return Wrong(fmt::format("{} is empty", name));
  if (text->size() > max_bytes) return Wrong(fmt::format("{} is longer than {}", name, max_bytes));
  std::string value(*text);
  object.stable_erase(found);
  return std::optional<std::string>(std::move(value));
}

// "1e400" is read as infinity, and infinity cannot be written again: a message that is kept would
// be lost. Never deeper than kMaxDepth.
bool IsFinite(const json::value& value) {
  if (const auto* object = value.if_object()) {
    return std::all_of(object->begin(), object->end(),
                       [](const auto& entry) { return IsFinite(entry.value()); });
  }
  if (const auto* array = value.if_array()) {
    return std::all_of(array->begin(), array->end(), IsFinite);
  }
  return !value.is_double() || std::isfinite(value.get_double());
}

}  // namespace

absl::StatusOr<Message> Parse(std::string_view text) {
  if (text.size() > kMaxMessageBytes) {
    return Wrong(
        fmt::format("message has {} bytes, at most {} are allowed", text.size(), kMaxMessageBytes));
  }
  json::parse_options options;
  options.max_depth = kMaxDepth;  // UTF-8 is checked by default (RFC 8259 section 8.1).
  json::error_code error;
  json::value root = json::parse(text, error, {}, options);
  if (error) return Wrong(fmt::format("message is not JSON: {}", error.message()));
  auto* object = root.if_object();
  if (object == nullptr) return Wrong("message is not a JSON object");
  if (!IsFinite(root)) return Wrong("message holds a number that is too large");

  auto type = TakeString(*object, "type", kMaxTypeBytes);
  if (!type.ok()) return type.status();
  if (!type->has_value()) return Wrong("message has no type");
  auto id = TakeString(*object, "id", kMaxIdBytes);
  if (!id.ok()) return id.status();
  return Message{.type = **std::move(type), .id = *std::move(id), .body = std::move(*object)};
}

std::string Serialize(const Message& message) {
  // The type stands first and the id second, so that a person reading a capture finds them.
  json::object object;
  object.reserve(message.body.size() + 2);
  object["type"] = message.type;
  if (message.id.has_value()) object["id"] = *message.id;
  for (const auto& field : message.body) {
    if (field.key() != "type" && field.key() != "id") object[field.key()] = field.value();
  }
  return json::serialize(object);
}

Message Ack(std::string_view id) {
  return {.type = "ack", .id = std::string(id), .body = {}};
}

std::string_view StatusName(TaskStatus status) {
  for (const auto& word : kStatusWords) {
    if (word.status == status) return word.name;
  }
  return "";
}

TaskStatus StatusFromName(std::string_view name) {
  for (const auto& word : kStatusWords) {
    if (word.name == name) return word.status;
  }
  return TaskStatus::TASK_STATUS_UNSPECIFIED;
}

}  // namespace tentacle::backend_link
