// The file of a Unix socket: whose it is, and whether it may be replaced.
#pragma once

#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace tentacle::rpc {

// Holds <socket>.lock as long as it lives: two processes that start at the same time cannot both
// find the socket stale.
class SocketLock {
 public:
  // AlreadyExists while another process holds it.
  static absl::StatusOr<SocketLock> Take(const std::string& socket_path);
  ~SocketLock();
  SocketLock(SocketLock&& other) noexcept;
  SocketLock& operator=(SocketLock&& other) noexcept;

 private:
  explicit SocketLock(int fd) : fd_(fd) {}

  int fd_ = -1;
};

// Removes the file only if it is a socket that refuses connections. AlreadyExists when somebody
// listens there, or when it is no socket.
absl::Status RemoveStaleSocket(const std::string& path);

}  // namespace tentacle::rpc
