// The releases of this host: two slots, the links `current` and `committed`, and the record of
// updates. Blocking; what changes the record holds a lock that the guard, another process, heeds.
//
//   releases/a/octofleet-tentacle, releases/b/octofleet-tentacle
//   releases/current   -> a or b: what the services start from
//   releases/committed -> a or b: what was healthy last
//   releases/record.json
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "services/agent/core/retrieval.h"
#include "services/agent/core/update_state.h"
#include "services/agent/unique_fd.h"

namespace tentacle::agent {

class ReleaseFolder {
 public:
  explicit ReleaseFolder(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }

  std::string SlotFolder(std::string_view slot) const;
  std::string Executable(std::string_view slot) const;
  // The slot that an executable's path lies in; nothing when it lies elsewhere.
  std::optional<std::string> SlotOf(std::string_view executable) const;
  // "a" or "b"; "" for a link that is missing or points elsewhere.
  std::string Link(std::string_view name) const;

  // NotFound: no update was ever begun. DataLoss: nonsense.
  absl::StatusOr<UpdateRecord> Read() const;

  // Reads, lets `change` change it, writes it when that says true and sets the links, all under the
  // lock. A record that is missing or nonsense begins as that of the release in slot
  // `running_slot`; with "" that is an error. Returns the record as it stands.
  absl::StatusOr<UpdateRecord> Change(std::string_view running_slot,
                                      const std::function<bool(UpdateRecord&)>& change) const;

 private:
  absl::StatusOr<UniqueFd> Lock() const;
  absl::Status Write(const UpdateRecord& record) const;
  absl::Status PointTo(std::string_view name, std::string_view slot) const;

  std::string path_;
};

// A copy of an executable that arrives: it has no name before it was verified, and what gets the
// name is the very file that was read then, so nothing can be put in its place between the two.
class ArrivingExecutable {
 public:
  // Takes the room for it at once: ResourceExhausted on a disk that is too full.
  static absl::StatusOr<ArrivingExecutable> Create(const std::string& folder,
                                                   std::uint64_t signed_bytes,
                                                   absl::Time now);

  // ResourceExhausted, DeadlineExceeded as Retrieval; errors of the disk.
  absl::Status Write(std::string_view piece, absl::Time now);
  // DataLoss: it is not what the manifest says, neither as it came nor as it lies on the disk.
  absl::Status Verify(std::string_view sha256);
  // Over whatever stands at `path`, durable.
  absl::Status InstallAs(const std::string& path);

  int fd() const { return fd_.get(); }

 private:
  ArrivingExecutable(UniqueFd fd, std::uint64_t signed_bytes, absl::Time now);

  UniqueFd fd_;
  Retrieval retrieval_;
  struct Hash;
  std::shared_ptr<Hash> hash_;
};

// Hex, of a whole file that is open, from its beginning.
absl::StatusOr<std::string> Sha256OfFile(int fd);

}  // namespace tentacle::agent
