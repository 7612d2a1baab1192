// A descriptor that is closed unless it is released.
#pragma once

#include <unistd.h>

#include <utility>

namespace tentacle::agent {

class UniqueFd {
 public:
  explicit UniqueFd(int fd = -1) : fd_(fd) {}

  UniqueFd(UniqueFd&& other) noexcept : fd_(other.Release()) {}

  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  ~UniqueFd() {
    if (fd_ >= 0) ::close(fd_);
  }

  int get() const { return fd_; }

  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

}  // namespace tentacle::agent
