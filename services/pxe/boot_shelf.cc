#include "services/pxe/boot_shelf.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "libs/net/http_types.h"
#include "services/pxe/core/boot_files.h"
#include "services/pxe/limits.h"

namespace tentacle::pxe {

namespace {

bool SameFile(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
         a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const std::string>> BootShelf::Read(std::string_view safe) {
  absl::Status first;
  for (const std::string& name : BootFileCandidates(safe)) {
    auto content = ReadOne(name);
    if (content.ok() || !absl::IsNotFound(content.status())) return content;
    first.Update(content.status());
  }
  return first;
}

// A name is checked before (SafeBootPath); links that lead out are refused here.
absl::StatusOr<std::shared_ptr<const std::string>> BootShelf::ReadOne(const std::string& name) {
  const auto file = net::OpenFileSpanBelow(path_, name);
  if (absl::IsFailedPrecondition(file.status()))
    return absl::NotFoundError(fmt::format("{}: not a file", name));
  if (!file.ok()) return file.status();
  const int fd = *file->fd;

  struct stat info {};

  if (::fstat(fd, &info) != 0) return absl::ErrnoToStatus(errno, name);
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
