// Tells every backend, once the transaction is committed, that something for a tentacle lies in the
// database.
#pragma once

#include <fmt/format.h>

#include <pqxx/pqxx>
#include <string>
#include <string_view>

#include "backend/store/presence_store.h"

namespace tentacle::backend {

// `kind`: config, tasks, commands, peers, task.new, task.cancel, removed, clone.forgotten
// (link/replicas.cc).
inline void NotifyDue(pqxx::work& tx, const char* kind, int node_id, int task_id = 0) {
  tx.exec_params("SELECT pg_notify($1, $2)", kNotifyChannel,
                 fmt::format(R"({{"kind":"{}","node":{},"task":{}}})", kind, node_id, task_id));
}

// A command for a tentacle: kept until acknowledged, or until its time is up. Returns its id,
// "cmd-7". `sealed_secrets`: sealed_secrets.h.
inline std::string InsertCommand(pqxx::work& tx,
                                 int node_id,
                                 std::string_view type,
                                 const std::string& body_json,
                                 int ttl_seconds,
                                 const std::string& sealed_secrets = "") {
  const auto rows = tx.exec_params(
      "INSERT INTO outgoing_commands (node_id, type, body, expires_at, sealed_secrets) "
      "VALUES ($1, $2, $3::jsonb, now() + make_interval(secs => $4), $5) RETURNING 'cmd-' || id",
      node_id, std::string(type), body_json, ttl_seconds, sealed_secrets);
  NotifyDue(tx, "commands", node_id);
  return rows[0][0].as<std::string>();
}

}  // namespace tentacle::backend
