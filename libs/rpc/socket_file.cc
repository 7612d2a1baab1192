#include "libs/rpc/socket_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace tentacle::rpc {

absl::StatusOr<SocketLock> SocketLock::Take(const std::string& socket_path) {
  const std::string path = socket_path + ".lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return absl::ErrnoToStatus(errno, path);
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return SocketLock(fd);
  ::close(fd);
  return absl::AlreadyExistsError(fmt::format(
      "{}: the service is running already, another process holds its lock", socket_path));
}

// The file stays: who removes a lock takes it from whoever has just opened it.
SocketLock::~SocketLock() {
  if (fd_ >= 0) ::close(fd_);
}

SocketLock::SocketLock(SocketLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

SocketLock& SocketLock::operator=(SocketLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

absl::Status RemoveStaleSocket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return absl::InvalidArgumentError(fmt::format("{}: longer than a socket path can be", path));
  }
  path.copy(address.sun_path, sizeof address.sun_path - 1);

  struct stat info {};

  if (::lstat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? absl::OkStatus() : absl::ErrnoToStatus(errno, path);
  }
  if (!S_ISSOCK(info.st_mode)) {
    return absl::AlreadyExistsError(fmt::format("{}: is there and is no socket", path));
  }
  // Without waiting: a process that listens but does not accept has a full queue, and lives.
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return absl::ErrnoToStatus(errno, "socket");
  const bool answered =
      ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  const int reason = errno;
  ::close(probe);
  if (answered || reason == EAGAIN) {
    return absl::AlreadyExistsError(
        fmt::format("{}: the service is running already, it takes connections", path));
  }
  if (reason != ECONNREFUSED) return absl::ErrnoToStatus(reason, path);
  // A socket on which nobody listens is left over from a killed process.
  if (::unlink(path.c_str()) != 0) return absl::ErrnoToStatus(errno, path);
  return absl::OkStatus();
}

}  // namespace tentacle::rpc
