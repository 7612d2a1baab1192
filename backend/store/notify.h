// Tells every backend, once the transaction is committed, that something for a tentacle lies in the
// database.
#pragma once

#include <fmt/format.h>

#include <pqxx/pqxx>

#include "backend/store/presence_store.h"

namespace tentacle::backend {

// `kind`: config, tasks, commands, task.new, task.cancel, removed, clone.forgotten
// (link/replicas.cc).
inline void NotifyDue(pqxx::work& tx, const char* kind, int node_id, int task_id = 0) {
  tx.exec_params("SELECT pg_notify($1, $2)", kNotifyChannel,
                 fmt::format(R"({{"kind":"{}","node":{},"task":{}}})", kind, node_id, task_id));
}

}  // namespace tentacle::backend
