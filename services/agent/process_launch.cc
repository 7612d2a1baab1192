#include "services/agent/process_launch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>

namespace tentacle::agent {

namespace {

// What failed in the child, through a pipe that its exec closes.
struct Failure {
  int step = 0;
  int error = 0;
};

constexpr const char* kSteps[] = {
    "entering the cgroup", "making a session",    "taking the terminal",
    "limiting memory",     "entering the host",   "changing the user",
    "changing the folder", "placing descriptors", "executing"};

enum Step { kCgroup, kSession, kTerminal, kMemory, kHost, kUser, kFolder, kDescriptors, kExecute };

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  // execve takes char* const* and does not write (POSIX, exec family).
  for (const auto& text : texts)
    pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Everything the child needs, made before the fork: after it only calls of signal-safety(7) are
// allowed, because another thread may have held any lock.
struct Prepared {
  explicit Prepared(const LaunchSpec& its_spec)
      : spec(its_spec),
        argv(Pointers(its_spec.argv)),
        environment(Pointers(its_spec.environment)) {}

  const LaunchSpec& spec;
  std::vector<char*> argv;
  std::vector<char*> environment;
  int report = -1;  // Write end of the pipe for failures.
};

bool EnterCgroups(const Prepared& prepared) {
  for (const auto& file : prepared.spec.cgroup_files) {
    const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    const bool written = ::write(fd, "0", 1) == 1;
    ::close(fd);
    if (!written) return false;
  }
  return true;
}

bool ResetSignals() {
  struct sigaction standard {};

  standard.sa_handler = SIG_DFL;
  // Ignored signals (SIGPIPE) would stay ignored in the program. Those of glibc itself refuse.
  for (int signal = 1; signal < NSIG; ++signal)
    ::sigaction(signal, &standard, nullptr);
  sigset_t none;
  sigemptyset(&none);
  return ::sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
}

// The system calls themselves: glibc's functions signal every thread of the process, and in a child
// after fork() there is only this one.
bool ChangeUser(const Prepared& prepared) {
  if (!prepared.spec.user) return true;
  const auto& user = *prepared.spec.user;
  return ::syscall(SYS_setgroups, user.groups.size(), user.groups.data()) == 0 &&
         ::syscall(SYS_setresgid, user.gid, user.gid, user.gid) == 0 &&
         ::syscall(SYS_setresuid, user.uid, user.uid, user.uid) == 0;
}

// The report pipe moves out of the way of 0, 1 and 2, and nothing beyond it stays open.
bool PlaceDescriptors(Prepared& prepared) {
  const auto& spec = prepared.spec;
  int input = spec.input;
  if (input < 0) input = ::open("/dev/null", O_RDONLY);
  if (input < 0) return false;
  if (::dup2(input, STDIN_FILENO) < 0 || ::dup2(spec.output, STDOUT_FILENO) < 0 ||
      ::dup2(spec.error, STDERR_FILENO) < 0) {
    return false;
  }
  constexpr int kReportFd = 3;
  if (prepared.report != kReportFd) {
    if (::dup3(prepared.report, kReportFd, O_CLOEXEC) < 0) return false;
    prepared.report = kReportFd;
  }
  // Libraries do not always set FD_CLOEXEC; no socket or database of ours gets into a program.
  return ::syscall(SYS_close_range, kReportFd + 1, ~0U, 0) == 0;
}

[[noreturn]] void Fail(const Prepared& prepared, Step step) {
  const Failure failure{step, errno};
  // Fewer octets than PIPE_BUF: whole or not at all. Without it the parent sees an early end.
  [[maybe_unused]] const ssize_t told = ::write(prepared.report, &failure, sizeof failure);
  ::_exit(127);
}

// By reference: a copy would allocate.
[[noreturn]] void RunChild(Prepared& prepared) {
  const auto& spec = prepared.spec;
  if (!EnterCgroups(prepared)) Fail(prepared, kCgroup);
  if (::setsid() < 0 || !ResetSignals()) Fail(prepared, kSession);
  if (spec.controlling_terminal && ::ioctl(spec.input, TIOCSCTTY, 0) != 0)
    Fail(prepared, kTerminal);
  if (spec.memory_bytes != 0) {
    const rlimit ceiling{spec.memory_bytes, spec.memory_bytes};
    if (::setrlimit(RLIMIT_AS, &ceiling) != 0) Fail(prepared, kMemory);
  }
  // While its descriptors are open.
  if (spec.host != nullptr && !spec.host->Enter()) Fail(prepared, kHost);
  if (!PlaceDescriptors(prepared)) Fail(prepared, kDescriptors);
  if (!ChangeUser(prepared)) Fail(prepared, kUser);
  if (::chdir(spec.working_dir.c_str()) != 0) Fail(prepared, kFolder);
  ::umask(022);
  ::execve(spec.program.empty() ? prepared.argv[0] : spec.program.c_str(), prepared.argv.data(),
           prepared.environment.data());
  Fail(prepared, kExecute);
}

absl::Status ToStatus(const LaunchSpec& spec, const Failure& failure) {
  const auto step = static_cast<std::size_t>(failure.step) % std::size(kSteps);
  const std::string& program = spec.program.empty() ? spec.argv.front() : spec.program;
  const std::string what = step == kExecute ? fmt::format("cannot execute {}", program)
                                            : fmt::format("starting {}: {}", program, kSteps[step]);
  return absl::ErrnoToStatus(failure.error, what);
}

}  // namespace

absl::StatusOr<UserIds> FindUser(const std::string& name) {
  constexpr std::size_t kBufferBytes = 64 * 1024;
  constexpr int kMostGroups = 1024;
  std::vector<char> buffer(kBufferBytes);

  struct passwd entry {};

  struct passwd* found = nullptr;
  const int error = ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (error != 0) return absl::ErrnoToStatus(error, fmt::format("user {}", name));
  if (found == nullptr) return absl::NotFoundError(fmt::format("this host has no user {}", name));
  UserIds user{entry.pw_name, entry.pw_dir, entry.pw_shell, entry.pw_uid, entry.pw_gid, {}};
  int count = kMostGroups;
  user.groups.resize(kMostGroups);
  if (::getgrouplist(name.c_str(), entry.pw_gid, user.groups.data(), &count) < 0) {
    count = kMostGroups;
  }
  user.groups.resize(static_cast<std::size_t>(count));
  return user;
}

absl::StatusOr<Launched> Launch(const LaunchSpec& spec) {
  if (spec.argv.empty()) return absl::InvalidArgumentError("no program to execute");
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe2");
  UniqueFd heard(ends[0]);
  UniqueFd report(ends[1]);
  Prepared prepared(spec);
  prepared.report = report.get();
  const pid_t pid = ::fork();
  if (pid < 0) return absl::ErrnoToStatus(errno, "fork");
  if (pid == 0) RunChild(prepared);
  ::close(report.Release());
  Launched launched;
  launched.pid = pid;
  // Our child and not reaped: the number is still its own. glibc 2.36 has no wrapper.
  launched.pidfd = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const int no_pidfd = launched.pidfd.get() < 0 ? errno : 0;
  Failure failure;
  ssize_t got = 0;
  do {
    got = ::read(heard.get(), &failure, sizeof failure);
  } while (got < 0 && errno == EINTR);
  if (got == 0 && no_pidfd == 0) return launched;
  ::kill(-pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  if (got == static_cast<ssize_t>(sizeof failure)) return ToStatus(spec, failure);
  return absl::ErrnoToStatus(no_pidfd, "pidfd_open (Linux 5.3 is needed)");
}

}  // namespace tentacle::agent
