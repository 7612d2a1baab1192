// Enrollment tokens, nodes and what is known of them. Blocking; thread safe. JSON texts have the
// shapes of docs/protocol.md section 1: PostgreSQL builds them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <absl/status/statusor.h>

#include "libs/identity/sealer.h"

namespace tentacle::backend {

class Database;

struct NewToken {
  std::string sha256;
  std::string prefix;
  std::string description;
  std::string created_by;
  int max_uses = 10;
  int expires_hours = 24;
  std::string node_name;  // The one that may enroll with it; empty: anyone.
};

struct Enrollee {
  std::string name;
  std::string hostname;
  std::string machine_id;
  std::string public_key;
  std::string version;
  std::string os;
  std::string arch;
  std::string network_json;
};

// A tentacle that was away for long gets its commands in portions.
constexpr std::size_t kCommandsAtOnce = 100;
// What a tentacle accepts at most.
constexpr int kMaxTimeToLiveSeconds = 30 * 24 * 3600;

class NodeStore {
 public:
  NodeStore(Database& database, identity::Sealer sealer)
      : db_(database), sealer_(std::move(sealer)) {}

  absl::StatusOr<std::string> AddToken(const NewToken& token);  // {id, expiresAt, maxUses}
  absl::StatusOr<std::string> ListTokens();
  absl::Status RevokeToken(int id);  // NotFound

  struct Enrolled {
    int node_id = 0;
    std::string config_json;
  };

  // Counts one use and makes the node, in one transaction: parallel uses cannot exceed the limit.
  // The same key is the same node. Unauthenticated with the reason.
  absl::StatusOr<Enrolled> Enroll(std::string_view token_sha256, const Enrollee& enrollee);

  absl::StatusOr<std::string> ListNodes(bool tentacles_only);  // [Node]
  absl::StatusOr<std::string> GetNode(int id);                 // Node; NotFound
  absl::StatusOr<std::string> PublicKey(int id);               // NotFound
  absl::StatusOr<std::string> RemovedKey(int id);  // Of a tentacle that was removed; NotFound
  // Returns the new revision of the configuration, 0 when only the name changed. NotFound.
  absl::StatusOr<std::int64_t> Update(int id,
                                      const std::string& name,
                                      const std::string& config_json);
  absl::Status Delete(int id);  // NotFound; its open tasks are cancelled.
  // {"revision", "config"}; "" when none was ever set.
  absl::StatusOr<std::string> ConfigUpdate(int id);

  absl::StatusOr<std::string> Inventory(int id);  // NotFound
  absl::StatusOr<std::string> Metrics(int id, int minutes);

  struct JournalQuery {
    std::string text;  // Anywhere in the message; no pattern.
    std::string unit;
    int priority = 7;  // This and more urgent ones.
    int minutes = 60;
    int limit = 200;
  };

  // Watched units that have changed, those first that are not as they should be.
  absl::StatusOr<std::string> Units(int id);
  // The newest that match, newest first.
  absl::StatusOr<std::string> Journal(int id, const JournalQuery& query);
  // The newest 200 boots and attempts of machines in the segment, as they were told.
  absl::StatusOr<std::string> Boots(int id);
  absl::StatusOr<std::string> Images(int id);

  // A command for a tentacle: kept until acknowledged, or until its time is up. Returns its id.
  // `secrets_json`: an object that is added to the body on its way down, sealed until then, and
  // forgotten once the tentacle has it; "": none.
  absl::StatusOr<std::string> AddCommand(int node_id,
                                         std::string_view type,
                                         const std::string& body_json,
                                         int ttl_seconds,
                                         const std::string& secrets_json = "");
  // [{id, type, body}], the oldest kCommandsAtOnce. One whose secrets cannot be opened any more has
  // failed and is not among them.
  absl::StatusOr<std::string> OpenCommands(int node_id);
  absl::Status AcknowledgeCommand(int node_id, std::string_view command_id);

 private:
  Database& db_;
  identity::Sealer sealer_;
};

}  // namespace tentacle::backend
