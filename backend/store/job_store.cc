#include "backend/store/database.h"
#include "backend/store/task_store.h"

namespace tentacle::backend {

namespace {

// $1: one job and what it wrote, or 0; $2: those of a node, or 0.
constexpr char kJobs[] = R"sql(
SELECT coalesce(json_agg(json_build_object('id', j.id::text, 'commandType', j.command_type,
  'commandData', j.command_data, 'createdAt', j.created_at,
  'instances', (SELECT coalesce(json_agg(jsonb_build_object('id', 'job-' || i.id, 'nodeId', i.node_id::text,
    'status', i.status, 'success', i.success, 'exitCode', i.exit_code, 'errorMessage', i.error_message,
    'durationMs', i.duration_ms) || CASE WHEN $1 = 0 THEN '{}'
    ELSE jsonb_build_object('stdout', i.stdout, 'stderr', i.stderr) END ORDER BY i.id), '[]')
    FROM job_instances i WHERE i.job_id = j.id)) ORDER BY j.id DESC), '[]')::text
FROM (SELECT * FROM jobs WHERE ($1 = 0 OR id = $1)
  AND ($2 = 0 OR id IN (SELECT job_id FROM job_instances WHERE node_id = $2)) ORDER BY id DESC LIMIT 500) AS j)sql";

}  // namespace

absl::StatusOr<std::string> JobStore::Add(int node_id,
                                          const std::string& command_type,
                                          const std::string& command_data_json,
                                          int timeout_seconds,
                                          std::string* instance_id) {
  const auto id = db_.Run([&](pqxx::work& tx) {
    if (tx.exec_params("SELECT 1 FROM nodes WHERE id = $1", node_id).empty()) {
      throw StatusError{absl::NotFoundError("targetId: there is no such node")};
    }
    const int job = tx.exec_params("INSERT INTO jobs (command_type, command_data, timeout_seconds) "
                                   "VALUES ($1, $2::jsonb, $3) RETURNING id",
                                   command_type,
                                   command_data_json,
                                   timeout_seconds)[0][0].as<int>();
    *instance_id =
        tx.exec_params("INSERT INTO job_instances (job_id, node_id) VALUES ($1, $2) RETURNING 'job-' || id",
                       job,
                       node_id)[0][0].as<std::string>();
    return job;
  });
  if (!id.ok()) return id.status();
  return Get(*id);
}

absl::StatusOr<std::string> JobStore::List(int node_id) { return db_.Text(kJobs, 0, node_id); }

absl::StatusOr<std::string> JobStore::Get(int id) {
  auto list = db_.Text(kJobs, id, 0);
  if (!list.ok()) return list;
  if (*list == "[]" || id == 0) return absl::NotFoundError("there is no such job");
  return list->substr(1, list->size() - 2);
}

}  // namespace tentacle::backend
