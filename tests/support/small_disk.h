// A file system of a few MiB that can be filled up, in a mount namespace of the test's own.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace tentacle::testing {

// Empty, or why there can be none here. Call it before the process has a second thread.
inline std::string EnterOwnMounts() {
  if (::unshare(CLONE_NEWNS) != 0) return std::string("unshare: ") + std::strerror(errno);
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return std::string("mount: ") + std::strerror(errno);
  return "";
}

class SmallDisk {
 public:
  explicit SmallDisk(int mebibytes) {
    const std::string options = "size=" + std::to_string(mebibytes) + "m";
    EXPECT_EQ(::mount("tmpfs", dir_.path().c_str(), "tmpfs", 0, options.c_str()), 0)
        << std::strerror(errno);
  }

  ~SmallDisk() { ::umount2(dir_.path().c_str(), MNT_DETACH); }

  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  std::string operator/(const std::string& name) const { return dir_ / name; }

  std::uint64_t FreeBytes() const {
    struct statvfs info {};

    EXPECT_EQ(::statvfs(dir_.path().c_str(), &info), 0);
    return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
  }

  // Something else takes all but `left` bytes. What is on the disk may write meanwhile: then there
  // is less to take than there was a moment ago, and it is looked at anew.
  void FillBut(std::uint64_t left) {
    const int fd = ::open(Ballast().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    int failure = 0;
    for (int attempt = 0; attempt < 100; ++attempt) {
      const std::uint64_t free = FreeBytes();
      failure = 0;
      if (free <= left) break;
      const off_t at = ::lseek(fd, 0, SEEK_END);
      if (::fallocate(fd, 0, at, static_cast<off_t>(free - left)) != 0) failure = errno;
      if (failure != 0 && failure != ENOSPC) break;
    }
    EXPECT_EQ(failure, 0) << std::strerror(failure);
    ::close(fd);
  }

  void Empty() { ::unlink(Ballast().c_str()); }

 private:
  std::string Ballast() const { return dir_ / "ballast"; }

  TempDir dir_;
};

}  // namespace tentacle::testing
