// The boot folder, as the desk looks into it: which files are there. One stat(2) or one small
// folder; nothing is read.
#pragma once

#include <string>
#include <vector>

namespace tentacle::pxe {

class BootFolder {
 public:
  explicit BootFolder(std::string path) : path_(std::move(path)) {}

  bool Has(const std::string& file) const;
  // Names of regular files in a folder below, sorted, at most limits::kMaxDriverFiles; those that
  // SafeBootPath() would not serve are left out.
  std::vector<std::string> List(const std::string& folder) const;

 private:
  std::string path_;
};

}  // namespace tentacle::pxe
