#include "services/agent/root_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "services/agent/limits.h"

namespace tentacle::agent {

absl::StatusOr<std::string> RootFiles::Read(std::string_view path) const {
  constexpr std::size_t kReadBytes = 64 * 1024;
  const int fd = ::open(Absolute(path).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return absl::ErrnoToStatus(errno, std::string(path));
  // Files of /proc have no size: read until the end.
  std::string content;
  for (;;) {
    const std::size_t before = content.size();
    content.resize(before + kReadBytes);
    const ssize_t got = ::read(fd, content.data() + before, kReadBytes);
    const int why = errno;
    content.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && why == EINTR) continue;
    if (got < 0) {
      ::close(fd);
      return absl::ErrnoToStatus(why, std::string(path));
    }
    if (got == 0) break;
    if (content.size() > limits::kMaxSourceBytes) {
      ::close(fd);
      return absl::ResourceExhaustedError(
          fmt::format("{}: more than {} bytes", path, limits::kMaxSourceBytes));
    }
  }
  ::close(fd);
  return content;
}

std::string RootFiles::ReadOrEmpty(std::string_view path) const {
  return Read(path).value_or("");
}

bool RootFiles::Exists(std::string_view path) const {
  std::error_code ignored;
  return std::filesystem::exists(Absolute(path), ignored);
}

std::string RootFiles::LinkName(std::string_view path) const {
  std::error_code error;
  const auto target = std::filesystem::read_symlink(Absolute(path), error);
  return error ? "" : target.filename().string();
}

std::vector<std::string> RootFiles::List(std::string_view path) const {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator it(Absolute(path), error), end; !error && it != end;
       it.increment(error)) {
    names.push_back(it->path().filename());
    if (names.size() == limits::kMaxDevices) break;
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace tentacle::agent
