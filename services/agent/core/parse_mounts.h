// /proc/mounts -> the file systems that hold something (not proc, tmpfs and their like).
#pragma once

#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "services/agent/core/inventory.h"

namespace tentacle::agent {

// Each device once, with the mount point that comes first in the file; sizes are not known here.
// InvalidArgument when no line is a mount.
absl::StatusOr<std::vector<FileSystem>> ParseMounts(std::string_view text);

}  // namespace tentacle::agent
