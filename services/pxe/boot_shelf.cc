#include "services/pxe/boot_shelf.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include <absl/cleanup/cleanup.h>

#include "services/pxe/core/boot_files.h"
#include "services/pxe/limits.h"

namespace tentacle::pxe {

namespace {

// A name is checked before (SafeBootPath); this is the second fence, against links that lead out.
int OpenBelow(int folder, const std::string& name) {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;  // A fifo must not hold a thread.
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, folder, name.c_str(), &how, sizeof how));
}

bool SameFile(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
         a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

absl::Status OpenError(int error, const std::string& name) {
  if (error == ENOENT || error == ENOTDIR)
    return absl::NotFoundError(fmt::format("{}: not there", name));
  if (error == ELOOP || error == EXDEV)
    return absl::PermissionDeniedError(fmt::format("{}: a link", name));
  return absl::ErrnoToStatus(error, name);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const std::string>> BootShelf::Read(std::string_view safe) {
  const int folder = ::open(path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return OpenError(errno, path_);
  const absl::Cleanup close_folder([folder] { ::close(folder); });
  absl::Status first;
  for (const std::string& name : BootFileCandidates(safe)) {
    auto content = ReadOne(folder, name);
    if (content.ok() || !absl::IsNotFound(content.status())) return content;
    first.Update(content.status());
  }
  return first;
}

absl::StatusOr<std::shared_ptr<const std::string>> BootShelf::ReadOne(int folder,
                                                                      const std::string& name) {
  const int fd = OpenBelow(folder, name);
  if (fd < 0) return OpenError(errno, name);
  const absl::Cleanup close_file([fd] { ::close(fd); });

  struct stat info {};

  if (::fstat(fd, &info) != 0) return absl::ErrnoToStatus(errno, name);
  if (!S_ISREG(info.st_mode)) return absl::NotFoundError(fmt::format("{}: not a file", name));
  if (static_cast<std::uint64_t>(info.st_size) > limits::kMaxTftpFileBytes) {
    return absl::ResourceExhaustedError(fmt::format("{}: too large for TFTP", name));
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  std::erase_if(held_, [](const auto& one) { return one.second.content.expired(); });
  if (const auto at = held_.find(name); at != held_.end() && SameFile(at->second.as_read, info)) {
    if (auto content = at->second.content.lock()) return content;
  }
  auto content = std::make_shared<std::string>(static_cast<std::size_t>(info.st_size), '\0');
  std::size_t at = 0;
  while (at < content->size()) {
    const ssize_t got =
        ::pread(fd, content->data() + at, content->size() - at, static_cast<off_t>(at));
    if (got <= 0)
      return absl::DataLossError(fmt::format("{}: became shorter while it was read", name));
    at += static_cast<std::size_t>(got);
  }
  held_[name] = {info, content};
  return std::shared_ptr<const std::string>(std::move(content));
}

}  // namespace tentacle::pxe
