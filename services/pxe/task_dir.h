// tasks/<mac-with-dashes>.json: one task each with how far it has come, readable for a person, so
// that pxe works without anybody else and goes on after a crash. Passwords are left out of it.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "services/pxe/core/boot_table.h"

namespace tentacle::pxe {

// The file's text, and back. DataLoss says what is wrong with it.
std::string RenderTaskFile(const TrackedTask& task);
absl::StatusOr<TrackedTask> ParseTaskFile(const std::string& text);

// Blocking; one thread at a time.
class TaskDir {
 public:
  explicit TaskDir(std::string path) : path_(std::move(path)) {}

  struct Loaded {
    std::vector<TrackedTask> tasks;
    // "name: reason"; the file has been renamed to <name>.corrupt
    std::vector<std::string> quarantined;
  };

  absl::StatusOr<Loaded> Load();
  // Atomically and durably.
  absl::Status Save(const wire::MacAddress& mac, const std::string& text);
  absl::Status Remove(const wire::MacAddress& mac);

 private:
  std::string FileOf(const wire::MacAddress& mac) const;

  std::string path_;
};

}  // namespace tentacle::pxe
