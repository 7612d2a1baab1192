#include "services/cache/file_facts.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>

namespace tentacle::cache {

namespace {

constexpr std::uint64_t kBlockBytes = 512;  // Of st_blocks, whatever the file system's are.

}  // namespace

std::uint64_t FileSize(const std::string& path) {
  struct stat info {};

  return ::stat(path.c_str(), &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

std::uint64_t DiskUse(const std::string& path) {
  struct stat info {};

  if (::stat(path.c_str(), &info) != 0) return 0;
  return std::min(static_cast<std::uint64_t>(info.st_size),
                  static_cast<std::uint64_t>(info.st_blocks) * kBlockBytes);
}

std::uint64_t DiskFree(const std::string& folder) {
  struct statvfs info {};

  if (::statvfs(folder.c_str(), &info) != 0) return 0;
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

std::string FileId(const std::string& path) {
  struct stat info {};

  if (::stat(path.c_str(), &info) != 0) return "";
  return fmt::format("{}:{}:{}.{:09}:{}.{:09}", info.st_ino, info.st_size, info.st_mtim.tv_sec,
                     info.st_mtim.tv_nsec, info.st_ctim.tv_sec, info.st_ctim.tv_nsec);
}

std::string PublishedFileId(const std::string& path) {
  struct stat info {};

  const bool is_untouched =
      ::stat(path.c_str(), &info) == 0 && info.st_mtim.tv_sec == kPublishedTime;
  return is_untouched ? FileId(path) : "";
}

}  // namespace tentacle::cache
