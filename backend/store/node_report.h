// What a message of a tentacle is applied with: in the transaction that also remembers its id.
#pragma once

#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "backend/store/report_store.h"

namespace tentacle::backend {

struct NodeReport {
  pqxx::work& tx;
  int node_id;
  std::string body;       // JSON of the message's fields.
  bool in_order = false;  // By its id, whatever the tentacle's clock was set to meanwhile.
};

}  // namespace tentacle::backend
