#include "backend/store/database.h"
#include "backend/store/task_store.h"

namespace tentacle::backend {

namespace {

constexpr char kJobs[] = R"sql(
SELECT coalesce(json_agg(json_build_object('id', j.id::text, 'commandType', j.command_type,
  'commandData', j.command_data, 'createdAt', j.created_at,
  'instances', (SELECT coalesce(json_agg(json_build_object('id', 'job-' || i.id, 'nodeId', i.node_id::text,
    'status', i.status, 'success', i.success, 'exitCode', i.exit_code, 'stdout', i.stdout, 'stderr', i.stderr,
    'errorMessage', i.error_message, 'durationMs', i.duration_ms) ORDER BY i.id), '[]')
    FROM job_instances i WHERE i.job_id = j.id)) ORDER BY j.id DESC), '[]')::text
FROM jobs j WHERE $1 = 0 OR j.id = $1)sql";

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

absl::StatusOr<std::string> JobStore::List() { return db_.Text(kJobs, 0); }

absl::StatusOr<std::string> JobStore::Get(int id) {
  auto list = db_.Text(kJobs, id);
  if (!list.ok()) return list;
  if (*list == "[]" || id == 0) return absl::NotFoundError("there is no such job");
  return list->substr(1, list->size() - 2);
}

}  // namespace tentacle::backend
