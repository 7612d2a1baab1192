#include "libs/runtime/fence.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <system_error>

#include <absl/cleanup/cleanup.h>

namespace tentacle::runtime {

namespace {

// What is read by libraries, in every service.
constexpr const char* kCommon[] = {"/usr",      "/lib",           "/lib64",     "/proc",
                                   "/sys",      "/etc/localtime", "/etc/ssl",   "/etc/ld.so.cache",
                                   "/dev/null", "/dev/urandom",   "/dev/random"};

constexpr std::uint64_t kReadFile = LANDLOCK_ACCESS_FS_READ_FILE;
constexpr std::uint64_t kRead = kReadFile | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kWrite = kRead | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                 LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                                 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                 LANDLOCK_ACCESS_FS_MAKE_SOCK;
// Handled and granted to nobody.
constexpr std::uint64_t kNever = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                                 LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                                 LANDLOCK_ACCESS_FS_MAKE_SYM;
// Since the second and the third version of Landlock; the header may be older than the kernel.
constexpr std::uint64_t kRefer = 1ULL << 13U;
constexpr std::uint64_t kTruncate = 1ULL << 14U;

// The C library has no wrappers.
int Version() {
  return static_cast<int>(
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION));
}

class Ruleset {
 public:
  explicit Ruleset(int version)
      : since_((version >= 2 ? kRefer : 0) | (version >= 3 ? kTruncate : 0)) {
    const landlock_ruleset_attr all{kWrite | kNever | since_};
    fd_ = static_cast<int>(::syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0));
  }

  ~Ruleset() {
    if (fd_ >= 0) ::close(fd_);
  }

  Ruleset(const Ruleset&) = delete;
  Ruleset& operator=(const Ruleset&) = delete;

  bool ok() const { return fd_ >= 0; }

  absl::Status Allow(const std::string& path, bool writing) const {
    const int fd = ::open(path.c_str(), O_PATH | O_CLOEXEC);
    if (fd < 0) {
      return errno == ENOENT && !writing ? absl::OkStatus() : absl::ErrnoToStatus(errno, path);
    }
    const absl::Cleanup close_path([fd] { ::close(fd); });

    struct stat info {};

    if (::fstat(fd, &info) != 0) return absl::ErrnoToStatus(errno, path);
    landlock_path_beneath_attr rule{};
    rule.parent_fd = fd;
    rule.allowed_access = writing ? kWrite | since_ : S_ISDIR(info.st_mode) ? kRead : kReadFile;
    const auto added = ::syscall(SYS_landlock_add_rule, fd_, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    return added == 0 ? absl::OkStatus() : absl::ErrnoToStatus(errno, path);
  }

  absl::Status Enforce() const {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
      return absl::ErrnoToStatus(errno, "no_new_privs");
    if (::syscall(SYS_landlock_restrict_self, fd_, 0) != 0)
      return absl::ErrnoToStatus(errno, "landlock_restrict_self");
    return absl::OkStatus();
  }

 private:
  std::uint64_t since_;
  int fd_ = -1;
};

}  // namespace

absl::Status Enclose(const Fence& fence) {
  const int version = Version();
  if (version < 1) {
    return absl::UnavailableError(
        fmt::format("no Landlock: {}", std::generic_category().message(errno)));
  }
  const Ruleset rules(version);
  if (!rules.ok()) return absl::ErrnoToStatus(errno, "landlock_create_ruleset");
  for (const char* path : kCommon) {
    if (absl::Status status = rules.Allow(path, false); !status.ok()) return status;
  }
  for (const std::string& path : fence.read) {
    if (absl::Status status = rules.Allow(path, false); !status.ok()) return status;
  }
  for (const std::string& path : fence.write) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return absl::UnavailableError(fmt::format("{}: {}", path, error.message()));
    if (absl::Status status = rules.Allow(path, true); !status.ok()) return status;
  }
  return rules.Enforce();
}

}  // namespace tentacle::runtime
