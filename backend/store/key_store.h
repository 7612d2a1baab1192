// API keys with a name and a role, and what was done with them. Blocking; thread safe. JSON texts
// have the shapes of docs/protocol.md.
#pragma once

#include <string>

#include <absl/status/statusor.h>

#include "backend/core/role.h"

namespace tentacle::backend {

class Database;

struct NewKey {
  std::string name;
  Role role = Role::kViewer;
  std::string sha256;
  std::string created_by;
};

// A request that changed something, or was refused for its role.
struct Act {
  Caller by;
  std::string address;
  std::string method;
  std::string path;
  unsigned status = 0;
};

class KeyStore {
 public:
  explicit KeyStore(Database& database) : db_(database) {}

  // Its id. AlreadyExists: a key of that name is in use.
  absl::StatusOr<int> Add(const NewKey& key);
  absl::StatusOr<std::string> List();
  absl::Status Revoke(int id);  // NotFound: no such key, or it was revoked before.
  // Whose key it is, noted as used. NotFound: nobody's.
  absl::StatusOr<Caller> Find(const std::string& sha256);

  absl::Status Note(const Act& act);       // Kept for 90 days.
  absl::StatusOr<std::string> ListActs();  // The newest 500.

 private:
  Database& db_;
};

}  // namespace tentacle::backend
