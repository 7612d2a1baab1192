// Prepulls: what was ordered, for whom, and what came of it. Blocking; thread safe. JSON texts have
// the shapes of docs/protocol.md.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "backend/core/prepull_order.h"

namespace tentacle::backend {

class Database;

// What is said of one tentacle when a prepull is ordered.
struct TargetForecast {
  int node_id = 0;
  std::string name;
  schedule::Forecast forecast;
};

class PrepullStore {
 public:
  explicit PrepullStore(Database& database) : db_(database) {}

  // What is known of the tentacles that `order` names. NotFound: the image, a tentacle, or nobody
  // is at the site.
  absl::StatusOr<std::vector<PrepullTarget>> Targets(const PrepullOrder& order);

  // The order with a command for each target, in one transaction. Returns its id.
  absl::StatusOr<int> Add(const PrepullOrder& order, const std::vector<TargetForecast>& targets);

  absl::StatusOr<std::string> List();
  absl::StatusOr<std::string> Get(int id);  // NotFound
  // Commands that take back what is not over yet. NotFound.
  absl::Status Cancel(int id);

 private:
  Database& db_;
};

}  // namespace tentacle::backend
