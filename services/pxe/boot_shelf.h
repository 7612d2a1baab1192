// What TFTP serves of the boot folder: nothing outside it can be reached by any name.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace tentacle::pxe {

// Thread safe; blocks.
class BootShelf {
 public:
  explicit BootShelf(std::string path) : path_(std::move(path)) {}

  // The content of the first of BootFileCandidates(safe) that is there. Transfers of one file at a
  // time share it. NotFound, PermissionDenied (a symbolic link, too), ResourceExhausted (too large
  // for TFTP), DataLoss (it changed).
  absl::StatusOr<std::shared_ptr<const std::string>> Read(std::string_view safe);

  const std::string& path() const { return path_; }

 private:
  struct Held {
    struct stat as_read {};

    std::weak_ptr<const std::string> content;
  };

  absl::StatusOr<std::shared_ptr<const std::string>> ReadOne(const std::string& name);

  std::string path_;
  std::mutex mutex_;
  std::map<std::string, Held> held_;
};

}  // namespace tentacle::pxe
