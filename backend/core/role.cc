#include "backend/core/role.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tentacle::backend {

namespace {

constexpr std::size_t kMaxKeyName = 64;
constexpr std::array<std::pair<Role, std::string_view>, 3> kNames = {
    {{Role::kViewer, "viewer"}, {Role::kOperator, "operator"}, {Role::kAdmin, "admin"}}};

}  // namespace

std::optional<Role> ParseRole(std::string_view name) {
  for (const auto& [role, text] : kNames) {
    if (text == name) return role;
  }
  return std::nullopt;
}

std::string_view RoleName(Role role) {
  return kNames[static_cast<std::size_t>(role)].second;
}

bool IsKeyName(std::string_view name) {
  const auto printable = [](char c) { return c >= ' ' && c <= '~' && c != ','; };
  return !name.empty() && name.size() <= kMaxKeyName && name != kRootKeyName &&
         name.front() != ' ' && name.back() != ' ' &&
         std::all_of(name.begin(), name.end(), printable);
}

}  // namespace tentacle::backend
