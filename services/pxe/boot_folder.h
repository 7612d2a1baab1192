// The boot folder, as one looks into it: which files are there. One open(2) or one small folder;
// nothing is read.
#pragma once

#include <string>
#include <vector>

namespace tentacle::pxe {

class BootFolder {
 public:
  explicit BootFolder(std::string path) : path_(std::move(path)) {}

  // Whether it can be served: not a link, which is not followed.
  bool Has(const std::string& file) const;
  // Names of regular files in a folder below, sorted, at most limits::kMaxDriverFiles; those that
  // SafeBootPath() would not serve are left out.
  std::vector<std::string> List(const std::string& folder) const;

 private:
  std::string path_;
};

}  // namespace tentacle::pxe
