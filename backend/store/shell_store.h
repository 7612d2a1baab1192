// Remote shells and their recordings. Blocking; thread safe. JSON texts have the shapes of
// docs/protocol.md.
#pragma once

#include <string>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

namespace tentacle::backend {

class Database;

// Where a second person must allow a shell: from the question to the answer.
inline constexpr absl::Duration kShellApprovalWithin = absl::Minutes(10);

struct NewShell {
  std::string session;
  int node_id = 0;
  std::string user;
  std::string opened_by;
  std::string reason;
  std::string asked_by;  // The name of the key.
};

struct Recording {
  std::string cast;  // asciicast v2
  // Its end is here, and every chunk with the digest that covers the one before.
  bool complete = false;
};

class ShellStore {
 public:
  explicit ShellStore(Database& database) : db_(database) {}

  absl::Status Add(const NewShell& shell);  // NotFound: node
  // By somebody else than who asked. NotFound: no such session, or it is over; PermissionDenied:
  // the one who asked; FailedPrecondition: it was approved already, or it is open.
  absl::StatusOr<int> Approve(std::string session, std::string by);  // The node.
  // Who allowed it; "" when nobody has yet. NotFound: not a session that `asked_by` waits with.
  absl::StatusOr<std::string> Approver(std::string session, std::string asked_by);
  absl::StatusOr<std::string> List(int node_id);        // The newest 200.
  absl::StatusOr<Recording> Read(std::string session);  // NotFound
  // A session that never came to its shell, or whose tentacle is gone: only if nothing else has
  // ended it.
  absl::Status End(std::string session, std::string reason);
  // Sessions that were asked for and never began: whoever was to open them is gone.
  absl::Status EndStale(std::string reason);

 private:
  Database& db_;
};

}  // namespace tentacle::backend
