// What tentacles report, applied exactly once: the message's id and its effect are committed
// together. Blocking; thread safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "libs/backend_link/messages.h"

namespace tentacle::backend {

class Database;

// What a message changed, for the live feed.
struct Change {
  std::string kind;  // node, task, image, device, job
  std::string id;
  int tentacle = 0;  // 0: the one that reported it.
};

struct Applied {
  bool known_type = true;
  bool repeated = false;
  std::vector<Change> changes;
};

class ReportStore {
 public:
  explicit ReportStore(Database& database) : db_(database) {}

  // InvalidArgument: a field is missing or wrong; the message is to be acknowledged all the same,
  // or it would come again for ever.
  absl::StatusOr<Applied> Apply(int node_id, const backend_link::Message& message);
  // All of them in one transaction, in order; one by one when one of them is refused. Ends with the
  // first that is neither applied nor refused, so the answer may be shorter.
  std::vector<absl::StatusOr<Applied>> ApplyAll(int node_id,
                                                const std::vector<backend_link::Message>& messages);

 private:
  Database& db_;
};

}  // namespace tentacle::backend
