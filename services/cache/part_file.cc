#include "services/cache/part_file.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <vector>

#include "services/cache/file_facts.h"
#include "services/cache/kill_point.h"
#include "services/cache/limits.h"

namespace tentacle::cache {

namespace {

absl::Status WriteError(int error) {
  if (error == ENOSPC || error == EDQUOT) return absl::ResourceExhaustedError("the disk is full");
  return absl::ErrnoToStatus(error, "writing the image");
}

}  // namespace

PartFile::~PartFile() {
  if (fd_ >= 0) ::close(fd_);
}

absl::Status PartFile::Open(const std::string& path) {
  KillPoint("before_create");
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd_ < 0) return errno == ENOSPC ? WriteError(errno) : absl::ErrnoToStatus(errno, path);
  KillPoint("after_create");
  return absl::OkStatus();
}

absl::Status PartFile::Write(std::uint64_t offset, std::string_view bytes) {
  KillPoint("before_write");
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return WriteError(errno);
    bytes.remove_prefix(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
  KillPoint("after_write");
  return absl::OkStatus();
}

absl::Status PartFile::CopyFrom(int fd,
                                std::uint64_t from,
                                std::uint64_t offset,
                                std::uint64_t length) {
  KillPoint("before_copy");
  auto in = static_cast<off_t>(from);
  auto out = static_cast<off_t>(offset);
  while (length > 0) {
    const ssize_t put = ::copy_file_range(fd, &in, fd_, &out, length, 0);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && (errno == ENOSPC || errno == EDQUOT)) return WriteError(errno);
    if (put == 0) return absl::DataLossError("the other image's file ends too early");
    if (put < 0) break;  // Not here, or not between these two: by hand.
    length -= static_cast<std::uint64_t>(put);
  }
  std::vector<char> buffer(std::min<std::uint64_t>(length, limits::kHashBytes));
  while (length > 0) {
    const ssize_t got =
        ::pread(fd, buffer.data(), std::min<std::uint64_t>(length, buffer.size()), in);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::ErrnoToStatus(errno, "reading another image");
    if (got == 0) return absl::DataLossError("the other image's file ends too early");
    const auto count = static_cast<std::size_t>(got);
    if (absl::Status put = Write(static_cast<std::uint64_t>(out), {buffer.data(), count});
        !put.ok())
      return put;
    in += got;
    out += got;
    length -= count;
  }
  KillPoint("after_copy");
  return absl::OkStatus();
}

absl::Status PartFile::PunchHole(std::uint64_t offset, std::uint64_t length) {
  if (::fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                  static_cast<off_t>(length)) == 0) {
    return absl::OkStatus();
  }
  // Some file systems know no holes. The file gets no longer by it.
  const std::uint64_t size = Size().value_or(offset);
  length = std::min(length, size - std::min(size, offset));
  const std::string zeros(std::min<std::uint64_t>(length, limits::kHashBytes), '\0');
  while (length > 0) {
    const std::uint64_t step = std::min<std::uint64_t>(length, zeros.size());
    if (absl::Status put = Write(offset, std::string_view(zeros).substr(0, step)); !put.ok())
      return put;
    offset += step;
    length -= step;
  }
  return absl::OkStatus();
}

absl::Status PartFile::Resize(std::uint64_t size) {
  KillPoint("before_resize");
  if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) return WriteError(errno);
  KillPoint("after_resize");
  return absl::OkStatus();
}

absl::StatusOr<std::size_t> PartFile::Read(std::uint64_t offset,
                                           char* buffer,
                                           std::size_t length) const {
  std::size_t done = 0;
  while (done < length) {
    const ssize_t got =
        ::pread(fd_, buffer + done, length - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::ErrnoToStatus(errno, "reading the image");
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

std::uint64_t PartFile::NextData(std::uint64_t offset) const {
  const off_t found = ::lseek(fd_, static_cast<off_t>(offset), SEEK_DATA);
  if (found >= 0) return static_cast<std::uint64_t>(found);
  // ENXIO: only a hole follows. Anything else: this file system cannot tell.
  return errno == ENXIO ? Size().value_or(offset) : offset;
}

absl::StatusOr<std::uint64_t> PartFile::Size() const {
  struct stat info {};

  if (::fstat(fd_, &info) != 0) return absl::ErrnoToStatus(errno, "the image's file");
  return static_cast<std::uint64_t>(info.st_size);
}

absl::Status PartFile::Publish(const std::string& part_path, const std::string& final_path) {
  // Whoever writes to it from now on gives it another time.
  const timespec times[2] = {{0, UTIME_OMIT}, {kPublishedTime, 0}};
  KillPoint("before_stamp");
  if (::futimens(fd_, times) != 0) return WriteError(errno);
  KillPoint("before_fsync");
  if (::fsync(fd_) != 0) return WriteError(errno);
  KillPoint("after_fsync");
  KillPoint("before_rename");
  if (::rename(part_path.c_str(), final_path.c_str()) != 0) return WriteError(errno);
  KillPoint("after_rename");
  const std::string folder = std::filesystem::path(final_path).parent_path().string();
  const int dir = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = dir >= 0 && ::fsync(dir) == 0;
  const int error = errno;
  if (dir >= 0) ::close(dir);
  KillPoint("after_fsync_folder");
  return synced ? absl::OkStatus() : absl::ErrnoToStatus(error, folder);
}

}  // namespace tentacle::cache
