#include "backend/store/shell_store.h"

#include "backend/store/database.h"
#include "libs/identity/identity.h"

namespace tentacle::backend {

absl::Status ShellStore::Add(const NewShell& shell) {
  const auto rows = db_.Execute(
      "INSERT INTO shell_sessions (id, node_id, user_name, opened_by, reason, asked_by) "
      "SELECT $1, id, $3, $4, $5, $6 FROM nodes WHERE id = $2 AND is_tentacle",
      shell.session, shell.node_id, shell.user, shell.opened_by, shell.reason, shell.asked_by);
  if (!rows.ok()) return rows.status();
  return *rows == 0 ? absl::NotFoundError("there is no such tentacle") : absl::OkStatus();
}

absl::StatusOr<std::string> ShellStore::List(int node_id) {
  return db_.Text(R"sql(
SELECT coalesce(json_agg(json_build_object('id', id, 'nodeId', node_id::text, 'user', user_name, 'openedBy', opened_by,
  'askedBy', asked_by, 'approvedBy', approved_by, 'reason', reason, 'state', state, 'createdAt', created_at, 'startedAt', started_at, 'endedAt', ended_at,
  'endReason', end_reason, 'exitCode', exit_code, 'recordedBytes',
  (SELECT coalesce(sum(length(data)), 0) FROM shell_recordings r WHERE r.session_id = s.id)) ORDER BY created_at DESC), '[]')::text
FROM (SELECT * FROM shell_sessions WHERE node_id = $1 ORDER BY created_at DESC LIMIT 200) AS s)sql",
                  node_id);
}

absl::StatusOr<int> ShellStore::Approve(std::string session, std::string by) {
  return db_.Run([&](pqxx::work& tx) {
    const auto rows = tx.exec_params(
        "SELECT node_id, asked_by, approved_by IS NOT NULL OR started_at IS NOT NULL "
        "FROM shell_sessions WHERE id = $1 AND ended_at IS NULL "
        "AND created_at > now() - make_interval(secs => $2) FOR UPDATE",
        session, absl::ToDoubleSeconds(kShellApprovalWithin));
    if (rows.empty()) throw StatusError{absl::NotFoundError("no such shell waits")};
    if (rows[0][1].as<std::string>() == by) {
      throw StatusError{absl::PermissionDeniedError(
          "who asked for a shell cannot approve it: somebody else can")};
    }
    if (rows[0][2].as<bool>())
      throw StatusError{absl::FailedPreconditionError("this shell waits for nobody any more")};
    tx.exec_params("UPDATE shell_sessions SET approved_by = $2 WHERE id = $1", session, by);
    return rows[0][0].as<int>();
  });
}

absl::StatusOr<std::string> ShellStore::Approver(std::string session, std::string asked_by) {
  return db_.Run([&](pqxx::work& tx) {
    const auto rows = tx.exec_params(
        "SELECT coalesce(approved_by, '') FROM shell_sessions "
        "WHERE id = $1 AND asked_by = $2 AND ended_at IS NULL AND started_at IS NULL",
        session, asked_by);
    if (rows.empty()) throw StatusError{absl::NotFoundError("no such shell of yours waits")};
    return rows[0][0].as<std::string>();
  });
}

absl::StatusOr<Recording> ShellStore::Read(std::string session) {
  return db_.Run([&](pqxx::work& tx) {
    const auto row = tx.exec_params(
        "SELECT coalesce(chunks, -1), sha256 FROM shell_sessions WHERE id = $1", session);
    if (row.empty()) throw StatusError{absl::NotFoundError("there is no such session")};
    const auto chunks = tx.exec_params(
        "SELECT index, previous, sha256, data FROM shell_recordings WHERE session_id = $1 ORDER BY "
        "index",
        session);
    Recording recording;
    std::string last;
    bool chained = true;
    int next = 0;
    for (const auto& chunk : chunks) {
      const std::string data = chunk[3].as<std::string>();
      const std::string digest = identity::Sha256Hex(last + data);
      chained = chained && chunk[0].as<int>() == next++ && chunk[1].as<std::string>() == last &&
                chunk[2].as<std::string>() == digest;
      last = digest;
      recording.cast += data;
    }
    recording.complete =
        chained && row[0][0].as<int>() == next && row[0][1].as<std::string>() == last;
    return recording;
  });
}

absl::Status ShellStore::End(std::string session, std::string reason) {
  return db_
      .Execute(
          "UPDATE shell_sessions SET state = 'ended', ended_at = now(), end_reason = $2 "
          "WHERE id = $1 AND ended_at IS NULL",
          session, reason)
      .status();
}

absl::Status ShellStore::EndStale(std::string reason) {
  return db_
      .Execute(
          "UPDATE shell_sessions SET state = 'ended', ended_at = now(), end_reason = $1 "
          "WHERE ended_at IS NULL AND started_at IS NULL AND created_at < now() - interval '2 "
          "minutes'",
          reason)
      .status();
}

}  // namespace tentacle::backend
