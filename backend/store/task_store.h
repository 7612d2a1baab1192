// Images and tasks. Blocking; thread safe. JSON texts have the shapes of docs/protocol.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>

#include "libs/identity/sealer.h"

namespace tentacle::backend {

class Database;

struct NewImage {
  std::string name;
  std::string display_name;
  std::string path;
  std::string os_type;
  std::string os_version;
  std::string architecture;
};

struct ImageFile {
  int id = 0;
  std::string path;
  std::string sha256;
  std::uint64_t size_bytes = 0;
};

struct HashedImage {
  std::string sha256;
  std::string format;
  std::uint64_t size_bytes = 0;
  std::uint64_t unpacked_size_bytes = 0;
  std::string chunk_list;  // Encoded; empty: too large for one.
};

class ImageStore {
 public:
  explicit ImageStore(Database& database) : db_(database) {}

  absl::StatusOr<int> Add(const NewImage& image);  // AlreadyExists: the name is taken.
  absl::Status SetHashed(int id, const HashedImage& hashed);
  absl::Status SetFailed(int id, const std::string& reason);
  absl::StatusOr<std::string> List();
  absl::StatusOr<std::string> Get(int id);        // NotFound
  absl::StatusOr<std::string> Meta(int id);       // NotFound, also while it is not ready
  absl::StatusOr<ImageFile> File(int id);         // NotFound, also while it is not ready
  absl::StatusOr<std::string> ChunkList(int id);  // NotFound, also when the image has none
  // [{id, path, sha256}]: what a restart has to go on with. `sha256` is set where only the chunk
  // list is missing.
  absl::StatusOr<std::string> Unhashed();
  absl::Status SetChunkList(int id, const std::string& chunk_list);
  absl::Status Delete(int id);  // NotFound; FailedPrecondition while a task needs it

 private:
  Database& db_;
};

struct NewTask {
  std::string mac;
  int tentacle_id = 0;
  int standby_id = 0;  // 0: none.
  int image_id = 0;
  std::string document_json;  // Without secrets.
  std::string secrets_json;   // Sealed before it is stored, forgotten when the task has ended.
  std::string callback_token_sha256;
};

// What an installer says about a task.
struct TaskReport {
  std::string status;
  std::string stage;
  std::string message;
  std::optional<int> progress;
};

class TaskStore {
 public:
  TaskStore(Database& database, identity::Sealer sealer)
      : db_(database), sealer_(std::move(sealer)) {}

  // NotFound: a tentacle or the image; FailedPrecondition: image not ready; AlreadyExists: the MAC
  // has an open task.
  absl::StatusOr<int> Add(const NewTask& task);
  absl::StatusOr<std::string> List(int tentacle_id, const std::string& status);
  absl::StatusOr<std::string> Get(int id);  // NotFound
  // Cancels; returns the node ids of who had it. FailedPrecondition when it is over already.
  absl::StatusOr<std::vector<int>> Cancel(int id);
  // {"revision", "tasks", "shared"?} for tasks.sync; the revision grows with each call. A task
  // whose secrets cannot be opened any more is failed, with the reason, and is not in it. "": there
  // is no such node.
  absl::StatusOr<std::string> Table(int node_id);
  // The document of one task for task.new to this tentacle; "": it has none that is its alone, or
  // the secrets cannot be opened.
  absl::StatusOr<std::string> Document(int id, int node_id);
  absl::StatusOr<bool> CallbackTokenIs(int id, std::string_view token_sha256);
  // What an installer says itself; returns the tentacle's node id, 0 when it is gone.
  // FailedPrecondition when the task is over already.
  absl::StatusOr<int> Apply(int id, const TaskReport& report);

 private:
  Database& db_;
  identity::Sealer sealer_;
};

}  // namespace tentacle::backend
