#include "libs/backend_link/task_fields.h"

#include <fmt/format.h>

#include "libs/text/view.h"

namespace tentacle::backend_link {

absl::Status Wrong(std::string_view field, std::string_view what) {
  const std::string sentence = fmt::format("{}: {}", field, what);
  return absl::InvalidArgumentError(text::AbslView(sentence));
}

// The string below `name`; empty when it is missing or null.
absl::StatusOr<std::string> Text(const json::object& object,
                                 std::string_view name,
                                 std::string_view field,
                                 std::size_t max_bytes) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return std::string();
  const auto* text = value->if_string();
  if (text == nullptr) return Wrong(field, "is not a string");
  if (text->size() > max_bytes) return Wrong(field, fmt::format("is longer than {}", max_bytes));
  return std::string(*text);
}

absl::StatusOr<std::uint64_t> Number(const json::object& object,
                                     std::string_view name,
                                     std::string_view field,
                                     std::uint64_t max) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return 0;
  json::error_code error;
  const auto number = value->is_number() ? value->to_number<std::uint64_t>(error) : 0;
  if (!value->is_number() || error || number > max) {
    return Wrong(field, fmt::format("is not a whole number from 0 to {}", max));
  }
  return number;
}

absl::StatusOr<std::vector<std::string>> TextList(const json::object& object,
                                                  std::string_view name,
                                                  std::string_view field,
                                                  std::size_t max_count,
                                                  std::size_t max_bytes) {
  std::vector<std::string> texts;
  const auto* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return texts;
  const auto* list = value->if_array();
  if (list == nullptr) return Wrong(field, "is not a list");
  if (list->size() > max_count) return Wrong(field, fmt::format("has more than {}", max_count));
  for (const auto& element : *list) {
    const auto* text = element.if_string();
    if (text == nullptr || text->empty()) return Wrong(field, "holds something that is no string");
    if (text->size() > max_bytes) return Wrong(field, fmt::format("is longer than {}", max_bytes));
    texts.emplace_back(*text);
  }
  return texts;
}

// The object below `name`, or null. InvalidArgument when it is something else.
absl::StatusOr<const json::object*> Section(const json::object& task, std::string_view name) {
  const auto* value = task.if_contains(name);
  if (value == nullptr || value->is_null()) return nullptr;
  if (value->if_object() == nullptr) return Wrong(name, "is not an object");
  return value->if_object();
}

absl::StatusOr<bool> Flag(const json::object& object,
                          std::string_view name,
                          std::string_view field) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return false;
  if (value->if_bool() == nullptr) return Wrong(field, "is neither true nor false");
  return value->get_bool();
}

}  // namespace tentacle::backend_link
