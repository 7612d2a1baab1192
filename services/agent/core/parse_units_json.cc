#include "services/agent/core/parse_units_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include <boost/json/parse.hpp>

#include "services/agent/core/fields.h"

namespace tentacle::agent {

namespace {
std::string Text(const boost::json::object& entry, const char* key) {
  const auto* value = entry.if_contains(key);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? "" : CleanField({text->data(), text->size()});
}
}  // namespace

absl::StatusOr<std::vector<Unit>> ParseUnitsJson(std::string_view text) {
  boost::system::error_code error;
  const auto value = boost::json::parse({text.data(), text.size()}, error);
  if (error)
    return absl::InvalidArgumentError(fmt::format("systemctl: no JSON ({})", error.message()));
  const auto* entries = value.if_array();
  if (entries == nullptr) return absl::InvalidArgumentError("systemctl: the answer is no list");
  std::vector<Unit> units;
  for (const auto& entry : *entries) {
    const auto* object = entry.if_object();
    if (object == nullptr) continue;
    Unit unit{Text(*object, "unit"), Text(*object, "active"), Text(*object, "sub")};
    if (!unit.name.empty()) units.push_back(std::move(unit));
  }
  std::sort(units.begin(), units.end(),
            [](const Unit& a, const Unit& b) { return a.name < b.name; });
  return units;
}

}  // namespace tentacle::agent
