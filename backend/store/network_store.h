// A tentacle's segment as the API shows it. Blocking; thread safe.
#pragma once

#include <string>

#include <absl/status/statusor.h>

namespace tentacle::backend {

class Database;

class NetworkStore {
 public:
  explicit NetworkStore(Database& database) : db_(database) {}

  // JSON texts, as docs/protocol.md section 1 says. NotFound: there is no such tentacle.
  absl::StatusOr<std::string> Devices(int node_id);
  absl::StatusOr<std::string> Segment(int node_id);
  absl::StatusOr<std::string> Events(int node_id);
  absl::StatusOr<std::string> Wakes(int node_id);

 private:
  Database& db_;
};

}  // namespace tentacle::backend
