// /etc/os-release (os-release(5)) -> name and version of the distribution.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace tentacle::agent {

struct OsRelease {
  std::string name;     // NAME, or "Linux" as os-release(5) has it.
  std::string version;  // VERSION_ID, or VERSION; a rolling release has neither.
};

// InvalidArgument when no line is an assignment.
absl::StatusOr<OsRelease> ParseOsRelease(std::string_view text);

}  // namespace tentacle::agent
