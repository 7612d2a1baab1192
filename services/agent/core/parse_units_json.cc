#include "services/agent/core/parse_units_json.h"

#include <fmt/format.h>

#include <algorithm>

#include <boost/json/parse.hpp>

#include "services/agent/core/json_text.h"

namespace tentacle::agent {

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
    Unit unit{JsonText(*object, "unit"), JsonText(*object, "active"), JsonText(*object, "sub")};
    if (!unit.name.empty()) units.push_back(std::move(unit));
  }
  std::sort(units.begin(), units.end(),
            [](const Unit& a, const Unit& b) { return a.name < b.name; });
  return units;
}

}  // namespace tentacle::agent
