#include "services/agent/host_space.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "libs/text/view.h"
#include "services/agent/core/parse_passwd.h"
#include "services/agent/process_launch.h"
#include "services/agent/root_files.h"

namespace tentacle::agent {

namespace {

struct Namespace {
  const char* name;  // Below /proc/<pid>/ns.
  int type;
};

// Not the PID namespace, which must be the host's already: a child's number is what we signal and
// reap it by. The mount namespace comes last, since it changes what every path means.
constexpr Namespace kEntered[] = {{"cgroup", CLONE_NEWCGROUP},
                                  {"ipc", CLONE_NEWIPC},
                                  {"uts", CLONE_NEWUTS},
                                  {"net", CLONE_NEWNET},
                                  {"mnt", CLONE_NEWNS}};

std::string NamespacePath(pid_t process, std::string_view name) {
  return fmt::format("/proc/{}/ns/{}", process, name);
}

absl::StatusOr<struct stat> Stat(const std::string& path) {
  struct stat info {};

  if (::stat(path.c_str(), &info) != 0) return absl::ErrnoToStatus(errno, path);
  return info;
}

// The error of the one that cannot be seen.
absl::StatusOr<bool> Same(const std::string& one, const std::string& other) {
  const auto first = Stat(one);
  if (!first.ok()) return first.status();
  const auto second = Stat(other);
  if (!second.ok()) return second.status();
  return first->st_dev == second->st_dev && first->st_ino == second->st_ino;
}

absl::Status Refused(std::string_view why) {
  return absl::FailedPreconditionError(
      fmt::format("the host cannot be managed from here: {}", why));
}

absl::Status Refused(const absl::Status& why) {
  return Refused(text::Message(why));
}

}  // namespace

absl::StatusOr<HostSpace> HostSpace::Around(const std::string& root, pid_t first) {
  HostSpace space;
  space.root_ = root;
  while (space.root_.ends_with('/'))
    space.root_.pop_back();
  const auto inside = Same(NamespacePath(first, "mnt"), NamespacePath(::getpid(), "mnt"));
  if (!inside.ok()) return Refused(inside.status());
  if (*inside) {
    return Refused(fmt::format(
        "process {} is of this container; it needs the host's PID namespace (pid: host)", first));
  }
  const auto is_root = Same(fmt::format("/proc/{}/root/.", first), space.root_ + "/.");
  if (!is_root.ok()) return Refused(is_root.status());
  if (!*is_root) return Refused(fmt::format("{} is not the host's root folder", root));
  for (const auto& [name, type] : kEntered) {
    const std::string path = NamespacePath(first, name);
    UniqueFd opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (opened.get() < 0) return Refused(absl::ErrnoToStatus(errno, path));
    space.namespaces_.push_back(std::move(opened));
  }
  return space;
}

std::string HostSpace::Here(std::string_view path) const {
  return is_around() ? fmt::format("{}{}", root_, path) : std::string(path);
}

std::string HostSpace::There(std::string_view path) const {
  if (is_around() && path.starts_with(root_)) path.remove_prefix(root_.size());
  return std::string(path);
}

absl::StatusOr<UserIds> HostSpace::FindUser(const std::string& name) const {
  if (!is_around()) return agent::FindUser(name);
  const RootFiles files(root_);
  const auto passwd = files.Read("/etc/passwd");
  if (!passwd.ok()) return passwd.status();
  auto user = FindInPasswd(*passwd, files.ReadOrEmpty("/etc/group"), name);
  if (!user) return absl::NotFoundError(fmt::format("this host has no user {}", name));
  return *std::move(user);
}

bool HostSpace::Enter() const {
  std::size_t at = 0;
  for (const UniqueFd& one : namespaces_) {
    if (::setns(one.get(), kEntered[at++].type) != 0) return false;
  }
  return true;
}

}  // namespace tentacle::agent
