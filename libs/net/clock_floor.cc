#include "libs/net/clock_floor.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace tentacle::net {

namespace {

// The modification time is the message.
constexpr char kName[] = "/last-good-time";

absl::Time ModifiedAt(const std::string& path) {
  struct stat file {};

  return ::stat(path.c_str(), &file) == 0 ? absl::TimeFromTimespec(file.st_mtim)
                                          : absl::InfinitePast();
}

}  // namespace

absl::Time ClockFloor(const std::string& state_dir) {
  return std::max(ModifiedAt("/proc/self/exe"), ModifiedAt(state_dir + kName));
}

void RememberGoodTime(const std::string& state_dir, absl::Time now) {
  const std::string path = state_dir + kName;
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return;  // A full disk: the one before holds.
  const timespec times[2] = {absl::ToTimespec(now), absl::ToTimespec(now)};
  ::futimens(fd, times);
  ::close(fd);
}

}  // namespace tentacle::net
