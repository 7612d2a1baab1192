#include "libs/store/durable_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace tentacle::store {

absl::Status WriteAll(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return absl::ErrnoToStatus(errno, path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status WriteSynced(const std::string& path, std::string_view content, mode_t mode) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0) return absl::ErrnoToStatus(errno, path);
  absl::Status status = WriteAll(fd, content, path);
  if (status.ok() && ::fsync(fd) != 0) status = absl::ErrnoToStatus(errno, path);
  ::close(fd);
  return status;
}

absl::Status SyncFolder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, path);
  const absl::Status status =
      ::fsync(fd) == 0 ? absl::OkStatus() : absl::ErrnoToStatus(errno, path);
  ::close(fd);
  return status;
}

}  // namespace tentacle::store
