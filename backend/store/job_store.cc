#include "backend/store/job_store.h"

#include "backend/store/database.h"
#include "backend/store/notify.h"
#include "backend/store/sealed_secrets.h"

namespace tentacle::backend {

namespace {

// A tentacle that is away for longer finds that the job is long over.
constexpr int kCancelSeconds = 30 * 24 * 3600;

// $1: one job and what it wrote, or 0; $2: those of a node, or 0.
constexpr char kJobs[] = R"sql(
SELECT coalesce(json_agg(json_build_object('id', j.id::text, 'commandType', j.command_type,
  'commandData', j.command_data, 'createdAt', j.created_at, 'scheduledAt', j.scheduled_at, 'expiresAt', j.expires_at,
  'instances', (SELECT coalesce(json_agg(jsonb_build_object('id', 'job-' || i.id, 'nodeId', i.node_id::text,
    'status', i.status, 'success', i.success, 'exitCode', i.exit_code, 'errorMessage', i.error_message,
    'durationMs', i.duration_ms, 'attempts', i.attempts, 'stdoutBytes', i.stdout_bytes,
    'stderrBytes', i.stderr_bytes) || CASE WHEN $1 = 0 THEN '{}'
    ELSE jsonb_build_object('stdout', i.stdout, 'stderr', i.stderr) END ORDER BY i.id), '[]')
    FROM job_instances i WHERE i.job_id = j.id)) ORDER BY j.id DESC), '[]')::text
FROM (SELECT * FROM jobs WHERE ($1 = 0 OR id = $1)
  AND ($2 = 0 OR id IN (SELECT job_id FROM job_instances WHERE node_id = $2)) ORDER BY id DESC LIMIT 500) AS j)sql";

}  // namespace

absl::StatusOr<std::string> JobStore::Add(const NewJob& job, const BodyOf& body_of) {
  const auto id = db_.Run([&](pqxx::work& tx) {
    const auto nodes = tx.exec_params(
        "SELECT id FROM nodes WHERE is_tentacle AND ($1 = 0 OR id = $1) ORDER BY id", job.node_id);
    if (nodes.empty()) throw StatusError{absl::NotFoundError("targetId: there is no such node")};
    const int added = tx.exec_params(
                            "INSERT INTO jobs (command_type, command_data, timeout_seconds, "
                            "scheduled_at, expires_at) "
                            "VALUES ($1, $2::jsonb, $3, nullif($4, '')::timestamptz, nullif($5, "
                            "'')::timestamptz) RETURNING id",
                            job.command_type, job.command_data_json, job.timeout_seconds,
                            job.scheduled_at, job.expires_at)[0][0]
                          .as<int>();
    for (const auto& row : nodes) {
      const int node = row[0].as<int>();
      const int instance =
          tx.exec_params("INSERT INTO job_instances (job_id, node_id) VALUES ($1, $2) RETURNING id",
                         added, node)[0][0]
              .as<int>();
      const std::string command = InsertCommand(
          tx, node, "job.run", body_of(node, "job-" + std::to_string(instance)), job.ttl_seconds,
          SealSecrets(sealer_, job.secrets_json, CommandPlace(node)));
      tx.exec_params("UPDATE job_instances SET command_id = substr($2, 5)::bigint WHERE id = $1",
                     instance, command);
    }
    return added;
  });
  if (!id.ok()) return id.status();
  return Get(*id);
}

absl::StatusOr<std::string> JobStore::List(int node_id) {
  return db_.Text(kJobs, 0, node_id);
}

absl::StatusOr<std::string> JobStore::Get(int id) {
  auto list = db_.Text(kJobs, id, 0);
  if (!list.ok()) return list;
  if (*list == "[]" || id == 0) return absl::NotFoundError("there is no such job");
  return list->substr(1, list->size() - 2);
}

absl::StatusOr<int> JobStore::NodeOf(int id, const std::string& instance) {
  return db_.Run([&](pqxx::work& tx) {
    const auto rows = tx.exec_params(
        "SELECT node_id FROM job_instances WHERE job_id = $1 AND 'job-' || id = $2", id, instance);
    if (rows.empty())
      throw StatusError{absl::NotFoundError("there is no such instance of this job")};
    return rows[0][0].as<int>();
  });
}

absl::Status JobStore::Cancel(int id, const BodyOf& body_of) {
  const auto cancelled = db_.Run([&](pqxx::work& tx) {
    if (tx.exec_params("SELECT 1 FROM jobs WHERE id = $1", id).empty()) {
      throw StatusError{absl::NotFoundError("there is no such job")};
    }
    const auto open = tx.exec_params(
        "SELECT id, node_id, coalesce(command_id, 0) FROM job_instances WHERE job_id = $1 "
        "AND status IN ('pending', 'running') ORDER BY id FOR UPDATE",
        id);
    if (open.empty()) throw StatusError{absl::FailedPreconditionError("the job has ended already")};
    for (const auto& row : open) {
      const bool withdrawn = tx.exec_params(
                                   "UPDATE outgoing_commands SET acknowledged_at = now() WHERE id "
                                   "= $1 AND acknowledged_at IS NULL",
                                   row[2].as<std::int64_t>())
                                 .affected_rows() > 0;
      if (withdrawn) {
        tx.exec_params(
            "UPDATE job_instances SET status = 'cancelled', success = false, updated_at = now(), "
            "error_message = 'the job was cancelled before the tentacle had it' WHERE id = $1",
            row[0].as<int>());
      }
      // Also after a withdrawal: the message may be on its way just now.
      InsertCommand(tx, row[1].as<int>(), "job.cancel",
                    body_of(row[1].as<int>(), "job-" + row[0].as<std::string>()), kCancelSeconds);
    }
    return true;
  });
  return cancelled.status();
}

}  // namespace tentacle::backend
