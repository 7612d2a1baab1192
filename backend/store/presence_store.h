// Who is connected, to which backend, and who else claims to be it. Blocking; thread safe.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

namespace tentacle::backend {

class Database;

// One tentacle's row of a batch. What is not set stays as it is.
struct PresenceRow {
  int node_id = 0;
  std::optional<bool> online;
  bool keep = false;  // Online as before: said again after the database was away.
  std::string reason;
  std::string instance;
  std::string version;
  std::string services_json;
  std::string link_json;  // Numbers only.
};

// What has to be known before a connection is let in.
struct Arrival {
  std::string instance;       // Of whoever was connected last.
  std::string other_replica;  // The backend that has it online; empty: none, or this one.
  bool clone_on_record = false;
};

struct ReplicaReport {
  std::size_t others = 0;
  std::size_t tentacles = 0;       // That there are, here or elsewhere or away.
  std::vector<int> lost_nodes;     // Their backend is gone: offline now.
  std::vector<int> expired_nodes;  // A command for them has waited too long.
};

class PresenceStore {
 public:
  // `replica` names this backend in the database.
  PresenceStore(Database& database, std::string replica)
      : db_(database), replica_(std::move(replica)) {}

  const std::string& replica() const { return replica_; }

  // All rows in one transaction; returns the nodes that there are.
  absl::StatusOr<std::set<int>> Write(const std::vector<PresenceRow>& rows);
  absl::StatusOr<Arrival> Arrive(int node_id);  // NotFound: removed.
  // Each token of the link opens one connection, whichever backend it is shown to. Unauthenticated:
  // it has. `sha256` stands for it.
  absl::Status UseToken(std::string_view sha256);

  // Returns false when the holder of the identity has been away for so long that the other one is
  // to be let in.
  absl::StatusOr<bool> RecordClone(int node_id,
                                   std::string_view address,
                                   std::string_view instance,
                                   bool connected);
  absl::Status ForgetClone(int node_id);  // NotFound

  // At the start: what belonged to backends that are gone is offline.
  absl::Status Start();
  // Every few seconds: this backend lives. Tidies up after others, and fails commands that waited
  // too long.
  absl::StatusOr<ReplicaReport> Heartbeat();
  // At the end: everything that this backend holds is offline.
  absl::Status Stop(std::string_view reason);
  // A message for every backend that listens, this one included.
  absl::Status Notify(std::string_view payload);

 private:
  Database& db_;
  std::string replica_;
};

// The channel of Notify() and of the stores' own notifications.
constexpr char kNotifyChannel[] = "octofleet";

}  // namespace tentacle::backend
