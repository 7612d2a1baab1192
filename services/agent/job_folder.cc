#include "services/agent/job_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string_view>

namespace tentacle::agent {

namespace fs = std::filesystem;

namespace {

absl::Status WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return absl::ErrnoToStatus(errno, "writing the script");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> MakeJobFolder(const std::string& jobs_dir,
                                          const std::string& id,
                                          const std::string& script) {
  if (const auto removed = RemoveJobFolder(jobs_dir, id); !removed.ok()) return removed;
  std::error_code error;
  fs::create_directories(jobs_dir, error);
  const std::string folder = fmt::format("{}/{}", jobs_dir, id);
  if (::mkdir(folder.c_str(), 0700) != 0) return absl::ErrnoToStatus(errno, folder);
  const std::string path = folder + "/script";
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0700);
  if (fd < 0) return absl::ErrnoToStatus(errno, path);
  const auto written = WriteAll(fd, script);
  if (::close(fd) != 0 && written.ok()) return absl::ErrnoToStatus(errno, path);
  if (!written.ok()) return written;
  return path;
}

absl::Status RemoveJobFolder(const std::string& jobs_dir, const std::string& id) {
  std::error_code error;
  fs::remove_all(id.empty() ? fs::path(jobs_dir) : fs::path(jobs_dir) / id, error);
  if (error) return absl::ErrnoToStatus(error.value(), fmt::format("removing {}/{}", jobs_dir, id));
  return absl::OkStatus();
}

}  // namespace tentacle::agent
