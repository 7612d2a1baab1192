#include "services/agent/job_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string_view>

#include "libs/store/durable_file.h"

namespace tentacle::agent {

namespace fs = std::filesystem;

namespace {

absl::Status WriteNew(const std::string& path,
                      std::string_view content,
                      mode_t mode,
                      const std::optional<UserIds>& user) {
  const UniqueFd file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (file.get() < 0) return absl::ErrnoToStatus(errno, path);
  if (user && ::fchown(file.get(), user->uid, user->gid) != 0)
    return absl::ErrnoToStatus(errno, path);
  return store::WriteAll(file.get(), content, path);
}

absl::Status WriteCredentials(const std::string& folder,
                              const backend_link::Job& job,
                              const std::optional<UserIds>& user) {
  const std::string below = folder + kCredentialsFolder;
  if (::mkdir(below.c_str(), 0700) != 0) return absl::ErrnoToStatus(errno, below);
  absl::Status status;
  for (const auto& [name, value] : job.credentials)
    status.Update(WriteNew(fmt::format("{}/{}", below, name), value, 0600, user));
  if (status.ok() && user && ::chown(below.c_str(), user->uid, user->gid) != 0)
    status = absl::ErrnoToStatus(errno, below);
  return status;
}

// The folder for other users' jobs lies where everybody may write: one that somebody else has put
// there is not used.
absl::Status MakeParent(const std::string& path, bool for_users) {
  if (!for_users) {
    std::error_code error;
    fs::create_directories(path, error);
    return error ? absl::ErrnoToStatus(error.value(), path) : absl::OkStatus();
  }
  if (::mkdir(path.c_str(), 0711) != 0 && errno != EEXIST) return absl::ErrnoToStatus(errno, path);

  struct stat info {};

  if (::lstat(path.c_str(), &info) != 0) return absl::ErrnoToStatus(errno, path);
  if (!S_ISDIR(info.st_mode) || info.st_uid != ::geteuid() || (info.st_mode & 0022) != 0) {
    return absl::PermissionDeniedError(fmt::format("{} belongs to somebody else", path));
  }
  // The umask may have taken the right to pass through.
  return ::chmod(path.c_str(), 0711) == 0 ? absl::OkStatus() : absl::ErrnoToStatus(errno, path);
}

}  // namespace

absl::StatusOr<std::string> MakeJobFolder(const JobFolders& folders,
                                          const backend_link::Job& job,
                                          const std::optional<UserIds>& user) {
  if (const auto removed = RemoveJobFolder(folders, job.id); !removed.ok()) return removed;
  const std::string& parent = folders.For(user);
  if (const auto made = MakeParent(parent, user.has_value()); !made.ok()) return made;
  const std::string folder = fmt::format("{}/{}", parent, job.id);
  if (::mkdir(folder.c_str(), 0700) != 0) return absl::ErrnoToStatus(errno, folder);
  // Before it belongs to its user, who could otherwise change what the names below mean.
  absl::Status status;
  if (job.kind == backend_link::JobKind::kScript) {
    status.Update(WriteNew(folder + "/script", job.script, 0700, user));
  }
  for (const auto& file : job.files) {
    const mode_t mode = file.executable ? 0700 : 0600;
    status.Update(WriteNew(fmt::format("{}/{}", folder, file.name), file.content, mode, user));
  }
  if (!job.credentials.empty()) status.Update(WriteCredentials(folder, job, user));
  if (status.ok() && user && ::chown(folder.c_str(), user->uid, user->gid) != 0) {
    status = absl::ErrnoToStatus(errno, folder);
  }
  if (!status.ok()) return status;
  return folder;
}

absl::Status RemoveJobFolder(const JobFolders& folders, const std::string& id) {
  absl::Status status;
  for (const std::string& parent : {folders.own, folders.users}) {
    if (parent.empty()) continue;
    std::error_code error;
    // remove_all follows no symbolic link, neither of what lies below.
    fs::remove_all(id.empty() ? fs::path(parent) : fs::path(parent) / id, error);
    if (error)
      status.Update(absl::ErrnoToStatus(error.value(), fmt::format("removing {}/{}", parent, id)));
  }
  return status;
}

}  // namespace tentacle::agent
