// What people and programs with an API key may do.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tentacle::backend {

// Each may do what those before it may. A viewer sees; an operator does the day's work: installs,
// images, scans, wake-ups, jobs, shells; an admin decides who and what belongs to the fleet.
enum class Role { kViewer, kOperator, kAdmin };

std::optional<Role> ParseRole(std::string_view name);
std::string_view RoleName(Role role);

// Whose request it is.
struct Caller {
  std::string name;  // Of the key.
  Role role = Role::kViewer;
};

// A name is what others read in lists and logs: 1 to 64 printable characters of ASCII, none of them
// a comma, which ends a name in a sentence.
bool IsKeyName(std::string_view name);

// The key of the file that the backend was started with goes by this name, and no other may.
inline constexpr std::string_view kRootKeyName = "api-key-file";

}  // namespace tentacle::backend
