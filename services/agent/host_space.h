// The host as the agent reaches it: where it runs itself or, from inside a container, the host
// around that — files below a root, programs in the namespaces of the host's first process
// (setns(2)). docs/adr/0023.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "services/agent/core/user_ids.h"
#include "services/agent/unique_fd.h"

namespace tentacle::agent {

// Thread safe; never changes.
class HostSpace {
 public:
  // The host is where the agent is.
  HostSpace() = default;

  // The host around a container, whose root folder is `root` here and whose first process is
  // `first`. FailedPrecondition: that process is of our own container, its namespaces cannot be
  // entered, or `root` is another folder than its root.
  static absl::StatusOr<HostSpace> Around(const std::string& root, pid_t first = 1);

  // "/" where the host is around nothing.
  const std::string& root() const { return root_; }

  bool is_around() const { return !namespaces_.empty(); }

  // What the host calls `path` (beginning with "/"), as we find it, and the other way round.
  std::string Here(std::string_view path) const;
  std::string There(std::string_view path) const;

  // NotFound: the host has no such user. Around a container only those of its /etc/passwd are
  // known: other sources are libraries of the host.
  absl::StatusOr<UserIds> FindUser(const std::string& name) const;

  // Enters the host for good; the root folder is the host's from then on. Only in a child that has
  // one thread, and nothing in it but calls of signal-safety(7). False with errno.
  bool Enter() const;

 private:
  std::string root_ = "/";
  std::vector<UniqueFd> namespaces_;
};

using HostSpacePtr = std::shared_ptr<const HostSpace>;

}  // namespace tentacle::agent
