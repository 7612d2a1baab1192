#include "services/agent/root_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <filesystem>

#include "services/agent/limits.h"

namespace tentacle::agent {

// Below a folder a link to "/run/x" leads to what that folder has there, as it does for whoever
// lives in it (openat2(2), RESOLVE_IN_ROOT).
UniqueFd RootFiles::Open(std::string_view path, int flags) const {
  if (root_ == "/") return UniqueFd(::open(std::string(path).c_str(), flags | O_CLOEXEC));
  const UniqueFd root(::open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (root.get() < 0) return UniqueFd();
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_IN_ROOT;
  const std::string name(path);
  return UniqueFd(
      static_cast<int>(::syscall(SYS_openat2, root.get(), name.c_str(), &how, sizeof how)));
}

absl::StatusOr<std::string> RootFiles::Read(std::string_view path) const {
  constexpr std::size_t kReadBytes = 64 * 1024;
  const UniqueFd file = Open(path, O_RDONLY | O_NONBLOCK);
  if (file.get() < 0) return absl::ErrnoToStatus(errno, std::string(path));
  // Files of /proc have no size: read until the end.
  std::string content;
  for (;;) {
    const std::size_t before = content.size();
    content.resize(before + kReadBytes);
    const ssize_t got = ::read(file.get(), content.data() + before, kReadBytes);
    const int why = errno;
    content.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && why == EINTR) continue;
    if (got < 0) return absl::ErrnoToStatus(why, std::string(path));
    if (got == 0) break;
    if (content.size() > limits::kMaxSourceBytes) {
      return absl::ResourceExhaustedError(
          fmt::format("{}: more than {} bytes", path, limits::kMaxSourceBytes));
    }
  }
  return content;
}

std::string RootFiles::ReadOrEmpty(std::string_view path) const {
  return Read(path).value_or("");
}

bool RootFiles::Exists(std::string_view path) const {
  return Open(path, O_PATH).get() >= 0;
}

std::string RootFiles::LinkName(std::string_view path) const {
  const UniqueFd link = Open(path, O_PATH | O_NOFOLLOW);
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlinkat(link.get(), "", target.data(), target.size());
  if (size <= 0) return "";
  const std::string_view text(target.data(), static_cast<std::size_t>(size));
  return std::string(text.substr(text.rfind('/') + 1));
}

std::vector<std::string> RootFiles::List(std::string_view path) const {
  std::vector<std::string> names;
  const UniqueFd folder = Open(path, O_RDONLY | O_DIRECTORY);
  if (folder.get() < 0) return names;
  std::error_code error;
  const std::string opened = fmt::format("/proc/self/fd/{}", folder.get());
  for (std::filesystem::directory_iterator it(opened, error), end; !error && it != end;
       it.increment(error)) {
    names.push_back(it->path().filename());
    if (names.size() == limits::kMaxDevices) break;
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace tentacle::agent
