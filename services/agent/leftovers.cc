#include "services/agent/leftovers.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <string_view>

#include "services/agent/core/fields.h"
#include "services/agent/limits.h"

namespace tentacle::agent {

namespace {

std::string ReadEnvironment(std::string_view pid) {
  constexpr std::size_t kMost = 256 * 1024;  // A job begins with a kilobyte; ARG_MAX allows more.
  std::string text;
  const int fd = ::open(("/proc/" + std::string(pid) + "/environ").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return text;
  char buffer[4096];
  for (;;) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got <= 0 || text.size() > kMost) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  ::close(fd);
  return text;
}

bool CarriesMark(std::string_view environment,
                 const std::string& mark,
                 const std::set<std::string>& job_ids) {
  const std::string prefix = fmt::format("{}=", mark);
  while (!environment.empty()) {
    const auto end = environment.find('\0');
    const auto entry = environment.substr(0, end);
    if (entry.starts_with(prefix))
      return job_ids.contains(std::string(entry.substr(prefix.size())));
    if (end == std::string_view::npos) break;
    environment.remove_prefix(end + 1);
  }
  return false;
}

// The descriptor is taken before the environment is read, so the signals meet the process that was
// looked at and no later one of the same number. Stopped, it cannot end by itself while its group
// is killed; the group as a whole, because a member that is being executed just now has no
// environment to be read.
bool KillIfMarked(std::string_view name,
                  const std::string& mark,
                  const std::set<std::string>& job_ids) {
  const auto number = ToU64(name);
  if (!number) return false;
  const auto pid = static_cast<pid_t>(*number);
  const auto pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) return false;
  const bool marked = CarriesMark(ReadEnvironment(name), mark, job_ids) &&
                      ::syscall(SYS_pidfd_send_signal, pidfd, SIGSTOP, nullptr, 0) == 0;
  if (marked) {
    const pid_t group = ::getpgid(pid);
    // A job is a session of its own, so no other group than those of its processes can be met here.
    if (group > 0 && group != ::getpgrp()) ::kill(-group, SIGKILL);
    ::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0);
  }
  ::close(pidfd);
  return marked;
}

}  // namespace

int KillMarked(const std::string& mark, const std::set<std::string>& job_ids) {
  int killed = 0;
  if (job_ids.empty()) return killed;
  for (int pass = 0; pass < limits::kLeftoverPasses; ++pass) {
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc"), &::closedir);
    if (folder == nullptr) break;
    int found = 0;
    while (const dirent* entry =
               ::readdir(folder.get())) {  // NOLINT(concurrency-mt-unsafe): own DIR.
      if (KillIfMarked(entry->d_name, mark, job_ids)) ++found;
    }
    killed += found;
    if (found == 0) break;
  }
  return killed;
}

int KillLeftovers(const std::set<std::string>& job_ids) {
  return KillMarked(kJobMark, job_ids);
}

}  // namespace tentacle::agent
