#include "services/cache/puller.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <filesystem>
#include <random>

namespace tentacle::cache {

double Jitter() {
  std::random_device random;
  return static_cast<double>(random()) / static_cast<double>(std::random_device::max());
}

absl::Status CheckFree(const std::string& path, std::uint64_t min_free) {
  struct statvfs info {};

  const std::string folder = std::filesystem::path(path).parent_path().string();
  if (::statvfs(folder.c_str(), &info) != 0) return absl::OkStatus();
  const std::uint64_t free = static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
  if (free >= min_free) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      fmt::format("no room: the disk has {:.2f} GB free, and {:.2f} GB are to stay free",
                  static_cast<double>(free) / 1e9, static_cast<double>(min_free) / 1e9));
}

absl::Status Pull(const PullJob& job) {
  return job.chunked != nullptr ? PullChunks(job) : PullInOrder(job);
}

}  // namespace tentacle::cache
