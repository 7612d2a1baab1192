// Updates of tentacles themselves and what became of them. Blocking; thread safe. JSON texts have
// the shapes of docs/protocol.md.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <absl/status/statusor.h>

namespace tentacle::backend {

class Database;

struct NewUpdate {
  int node_id = 0;
  int image_id = 0;
  std::string release_id;
  std::uint64_t version = 0;
  std::uint64_t size_bytes = 0;
  std::string sha256;
  int ttl_seconds = 0;  // How long the order may wait for its tentacle.
};

class UpdateStore {
 public:
  explicit UpdateStore(Database& database) : db_(database) {}

  // The body of the message that brings "update-7" to its node.
  using BodyOf = std::function<std::string(const std::string& update_id)>;

  // The update and its message, all or nothing. NotFound: tentacle. InvalidArgument: the image is
  // not there, not hashed yet, or not what the manifest says.
  absl::StatusOr<std::string> Add(const NewUpdate& update, const BodyOf& body_of);
  // The newest 100 of a node.
  absl::StatusOr<std::string> List(int node_id);

 private:
  Database& db_;
};

}  // namespace tentacle::backend
