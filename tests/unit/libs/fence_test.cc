// Each in a process of its own, which it encloses.
#include "libs/runtime/fence.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace tentacle::runtime {
namespace {

namespace fs = std::filesystem;

constexpr int kNoLandlock = 77;

// 0, or errno.
int Open(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  ::close(fd);
  return 0;
}

class FenceTest : public ::testing::Test {
 protected:
  FenceTest() {
    for (const char* folder : {"boot", "secrets"})
      fs::create_directory(temp_ / folder);
    for (const char* file : {"boot/ipxe.efi", "secrets/key", "config.yaml"})
      std::ofstream(temp_ / file) << "text";
  }

  // What comes of `look` behind the fence.
  int Behind(const std::function<int()>& look) {
    const pid_t child = ::fork();
    if (child == 0) {
      const absl::Status status =
          Enclose({.read = {temp_ / "boot", temp_ / "config.yaml", temp_ / "absent"},
                   .write = {temp_ / "own/deep"}});
      std::_Exit(absl::IsUnavailable(status) ? kNoLandlock : status.ok() ? look() : 1000);
    }
    int state = 0;
    EXPECT_EQ(::waitpid(child, &state, 0), child);
    EXPECT_TRUE(WIFEXITED(state));
    return WEXITSTATUS(state);
  }

  void SetUp() override {
    if (Behind([] { return 0; }) == kNoLandlock) GTEST_SKIP() << "this kernel has no Landlock";
  }

  TempDir temp_;
};

TEST_F(FenceTest, ReadsWhatItMayAndNothingElse) {
  EXPECT_EQ(Behind([&] { return Open(temp_ / "boot/ipxe.efi", O_RDONLY); }), 0);
  EXPECT_EQ(Behind([&] { return Open(temp_ / "config.yaml", O_RDONLY); }), 0);
  EXPECT_EQ(Behind([&] { return Open(temp_ / "secrets/key", O_RDONLY); }), EACCES);
  EXPECT_EQ(Behind([] { return Open("/etc/passwd", O_RDONLY); }), EACCES);
  EXPECT_EQ(Behind([] { return Open("/proc/self/statm", O_RDONLY); }), 0);
}

TEST_F(FenceTest, WritesItsOwnFoldersOnly) {
  EXPECT_EQ(Behind([&] { return Open(temp_ / "own/deep/new", O_WRONLY | O_CREAT); }), 0);
  EXPECT_EQ(Behind([&] { return Open(temp_ / "own/deep/new", O_RDWR | O_TRUNC); }), 0);
  EXPECT_EQ(Behind([&] { return Open(temp_ / "own/new", O_WRONLY | O_CREAT); }), EACCES);
  EXPECT_EQ(Behind([&] { return Open(temp_ / "boot/ipxe.efi", O_WRONLY); }), EACCES);
  EXPECT_EQ(Behind([&] { return Open(temp_ / "boot/new", O_WRONLY | O_CREAT); }), EACCES);
  EXPECT_EQ(Behind([&] { return ::unlink((temp_ / "boot/ipxe.efi").c_str()) == 0 ? 0 : errno; }),
            EACCES);
  EXPECT_EQ(Behind([&] {
              return ::rename((temp_ / "own/deep/new").c_str(), (temp_ / "boot/new").c_str()) == 0
                         ? 0
                         : errno;
            }),
            EACCES);
}

// As the store does with its files, and the next start with a store that is damaged.
TEST_F(FenceTest, MovesFilesAndFoldersWithinWhatItWrites) {
  EXPECT_EQ(Behind([&] {
              std::error_code error;
              fs::create_directories(temp_ / "own/deep/db/archive", error);
              if (!error) std::ofstream(temp_ / "own/deep/db/1.log") << "text";
              if (!error)
                fs::rename(temp_ / "own/deep/db/1.log", temp_ / "own/deep/db/archive/1.log", error);
              if (!error) fs::rename(temp_ / "own/deep/db", temp_ / "own/deep/db.damaged", error);
              if (!error) fs::remove_all(temp_ / "own/deep/db.damaged", error);
              return error.value();
            }),
            0);
}

TEST_F(FenceTest, ExecutesNothing) {
  EXPECT_EQ(Behind([] {
              ::execl("/bin/true", "true", static_cast<char*>(nullptr));
              return errno;
            }),
            EACCES);
}

TEST_F(FenceTest, HoldsForThreads) {
  EXPECT_EQ(Behind([&] {
              int result = 0;
              std::thread([&] { result = Open(temp_ / "secrets/key", O_RDONLY); }).join();
              return result;
            }),
            EACCES);
}

TEST_F(FenceTest, ListensInWhatItWritesAndConnectsAnywhere) {
  const std::string near = temp_ / "own/deep/near.sock";
  const std::string far = temp_ / "far.sock";
  const auto address = [](const std::string& path) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    path.copy(to.sun_path, sizeof to.sun_path - 1);
    return to;
  };
  const auto bind_to = [&](const std::string& path) {
    const sockaddr_un to = address(path);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto* raw = reinterpret_cast<const sockaddr*>(&to);
    return ::bind(fd, raw, sizeof to) == 0 && ::listen(fd, 1) == 0 ? fd : -1;
  };
  const int listener = bind_to(far);
  ASSERT_GE(listener, 0);
  EXPECT_EQ(Behind([&] { return bind_to(near) >= 0 ? 0 : errno; }), 0);
  EXPECT_EQ(Behind([&] { return bind_to(temp_ / "other.sock") >= 0 ? 0 : errno; }), EACCES);
  EXPECT_EQ(Behind([&] {
              const sockaddr_un to = address(far);
              const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
              const auto* raw = reinterpret_cast<const sockaddr*>(&to);
              return ::connect(fd, raw, sizeof to) == 0 ? 0 : errno;
            }),
            0);
  ::close(listener);
}

}  // namespace
}  // namespace tentacle::runtime
