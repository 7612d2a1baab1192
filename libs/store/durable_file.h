// Files that are there after a power cut: what write(2), fsync(2) and rename(2) promise together.
// Blocking; any thread. Errors are the system's, with the path.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include <absl/status/status.h>

namespace tentacle::store {

// All of it, however often the kernel takes less.
absl::Status WriteAll(int fd, std::string_view bytes, const std::string& path);

// Anew, and on the disk when it returns; its name is not, before SyncFolder(). Never through a
// link.
absl::Status WriteSynced(const std::string& path, std::string_view content, mode_t mode);

// What was made, renamed or removed in the folder is so after a power cut.
absl::Status SyncFolder(const std::string& path);

}  // namespace tentacle::store
