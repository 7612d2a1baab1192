// Jobs and what became of them on each node. Blocking; thread safe. JSON texts have the shapes of
// docs/protocol.md.
#pragma once

#include <functional>
#include <string>

#include <absl/status/statusor.h>

#include "libs/identity/sealer.h"

namespace tentacle::backend {

class Database;

struct NewJob {
  int node_id = 0;  // 0: every tentacle.
  std::string command_type;
  std::string command_data_json;
  int timeout_seconds = 0;
  std::string scheduled_at;  // RFC 3339 or empty.
  std::string expires_at;
  int ttl_seconds = 0;       // How long the message may wait for its tentacle.
  std::string secrets_json;  // Sealed until then; sealed_secrets.h.
};

class JobStore {
 public:
  JobStore(Database& database, identity::Sealer sealer)
      : db_(database), sealer_(std::move(sealer)) {}

  // The body of the message that brings one instance to its node.
  using BodyOf = std::function<std::string(int node_id, const std::string& instance_id)>;

  // A job, an instance for each node and the message that brings it there, all or nothing.
  // NotFound: node. Returns {id, instances:[...]}.
  absl::StatusOr<std::string> Add(const NewJob& job, const BodyOf& body_of);
  // The newest 500, without what they wrote; of one node, or of all when `node_id` is 0.
  absl::StatusOr<std::string> List(int node_id);
  absl::StatusOr<std::string> Get(int id);  // NotFound
  // The node of an instance ("job-7") of job `id`. NotFound.
  absl::StatusOr<int> NodeOf(int id, const std::string& instance);
  // What no tentacle has taken yet is withdrawn and cancelled at once; each of the others gets the
  // message of `body_of`. NotFound; FailedPrecondition when the job has ended everywhere.
  absl::Status Cancel(int id, const BodyOf& body_of);

 private:
  Database& db_;
  const identity::Sealer sealer_;
};

}  // namespace tentacle::backend
