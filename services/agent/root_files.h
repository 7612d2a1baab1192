// Files below a root: "/" on a real host, a folder of frozen ones in tests. Blocking; thread safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "services/agent/unique_fd.h"

namespace tentacle::agent {

class RootFiles {
 public:
  explicit RootFiles(std::string root) : root_(std::move(root)) {}

  // NotFound; ResourceExhausted above limits::kMaxSourceBytes. `path` begins with "/".
  absl::StatusOr<std::string> Read(std::string_view path) const;
  // The same, with "" for a file that is not there or cannot be read.
  std::string ReadOrEmpty(std::string_view path) const;
  bool Exists(std::string_view path) const;
  // The last part of what a symbolic link points to; empty when it is none.
  std::string LinkName(std::string_view path) const;
  // Names in a folder, sorted, at most limits::kMaxDevices; empty when there is none.
  std::vector<std::string> List(std::string_view path) const;

  std::string Absolute(std::string_view path) const {
    return root_ == "/" ? std::string(path) : root_ + std::string(path);
  }

 private:
  // -1 with errno.
  UniqueFd Open(std::string_view path, int flags) const;

  std::string root_;
};

}  // namespace tentacle::agent
