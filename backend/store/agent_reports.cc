#include "backend/store/agent_reports.h"

namespace tentacle::backend {

namespace {

constexpr char kMetricsKept[] = "24 hours";
constexpr char kJournalKept[] = "7 days";

std::vector<Change> NodeChanged(const NodeReport& r) {
  return {{"node", std::to_string(r.node_id)}};
}

}  // namespace

// An inventory that says it is not full holds the parts that have changed.
std::vector<Change> ApplyInventory(const NodeReport& r) {
  r.tx.exec_params(
      "INSERT INTO node_inventory AS k (node_id, collected_at, body) "
      "VALUES ($1, coalesce(($2::jsonb->>'collectedAt')::timestamptz, now()), $2::jsonb - 'full') "
      "ON CONFLICT (node_id) DO UPDATE SET collected_at = excluded.collected_at, "
      "body = CASE WHEN coalesce(($2::jsonb->>'full')::boolean, true) THEN excluded.body "
      "ELSE k.body || excluded.body END",
      r.node_id, r.body);
  return NodeChanged(r);
}

std::vector<Change> ApplyMetrics(const NodeReport& r) {
  r.tx.exec_params(
      "INSERT INTO node_metrics (node_id, at, body) "
      "VALUES ($1, coalesce(($2::jsonb->>'time')::timestamptz, now()), $2::jsonb) ON CONFLICT DO "
      "NOTHING",
      r.node_id, r.body);
  r.tx.exec_params("DELETE FROM node_metrics WHERE node_id = $1 AND at < now() - $2::interval",
                   r.node_id, kMetricsKept);
  r.tx.exec_params(
      "UPDATE nodes SET last_seen = now(), cpu_percent = ($2::jsonb->>'cpuPercent')::float8, "
      "memory_percent = ($2::jsonb->>'memoryPercent')::float8 WHERE id = $1",
      r.node_id, r.body);
  return NodeChanged(r);
}

// The first result is the result: what comes after it is a repeat, or an order that was refused
// under a job's name.
std::vector<Change> ApplyJobResult(const NodeReport& r) {
  const auto rows = r.tx.exec_params(R"sql(
UPDATE job_instances SET status = coalesce(b->>'status', 'failed'), success = (b->>'success')::boolean,
  exit_code = (b->>'exitCode')::int, stdout = coalesce(b->>'stdout', ''), stderr = coalesce(b->>'stderr', ''),
  error_message = coalesce(b->>'errorMessage', ''), duration_ms = (b->>'durationMs')::bigint,
  attempts = coalesce((b->>'attempts')::int, 0), stdout_bytes = coalesce((b->>'stdoutBytes')::bigint, 0),
  stderr_bytes = coalesce((b->>'stderrBytes')::bigint, 0), updated_at = now()
FROM (SELECT $2::jsonb AS b) AS m WHERE 'job-' || id = b->>'jobId' AND node_id = $1 AND success IS NULL
RETURNING job_id::text)sql",
                                     r.node_id, r.body);
  if (rows.empty()) return {};
  return {{"job", rows[0][0].as<std::string>()}};
}

std::vector<Change> ApplyJobStatus(const NodeReport& r) {
  const auto rows = r.tx.exec_params(R"sql(
UPDATE job_instances SET status = 'running', attempts = coalesce((b->>'attempts')::int, attempts), updated_at = now()
FROM (SELECT $2::jsonb AS b) AS m WHERE 'job-' || id = b->>'jobId' AND node_id = $1 AND success IS NULL
RETURNING job_id::text)sql",
                                     r.node_id, r.body);
  if (rows.empty()) return {};
  return {{"job", rows[0][0].as<std::string>()}};
}

std::vector<Change> ApplyShellStarted(const NodeReport& r) {
  r.tx.exec_params(
      "UPDATE shell_sessions SET state = 'open', started_at = coalesce((b->>'time')::timestamptz, "
      "now()) "
      "FROM (SELECT $2::jsonb AS b) AS m WHERE id = b->>'session' AND node_id = $1 AND ended_at IS "
      "NULL",
      r.node_id, r.body);
  return NodeChanged(r);
}

std::vector<Change> ApplyShellRecording(const NodeReport& r) {
  r.tx.exec_params(
      "INSERT INTO shell_recordings (session_id, index, previous, sha256, data) "
      "SELECT s.id, (b->>'index')::int, b->>'previous', b->>'sha256', b->>'data' "
      "FROM (SELECT $2::jsonb AS b) AS m JOIN shell_sessions s ON s.id = b->>'session' AND "
      "s.node_id = $1 "
      "ON CONFLICT DO NOTHING",
      r.node_id, r.body);
  return {};
}

std::vector<Change> ApplyShellEnded(const NodeReport& r) {
  r.tx.exec_params(
      "UPDATE shell_sessions SET state = 'ended', ended_at = coalesce((b->>'time')::timestamptz, "
      "now()), "
      "end_reason = left(coalesce(b->>'reason', ''), 1000), exit_code = (b->>'code')::int, "
      "chunks = (b->>'chunks')::int, sha256 = coalesce(b->>'sha256', '') "
      "FROM (SELECT $2::jsonb AS b) AS m WHERE id = b->>'session' AND node_id = $1 AND chunks IS "
      "NULL",
      r.node_id, r.body);
  return NodeChanged(r);
}

std::vector<Change> ApplyJournal(const NodeReport& r) {
  r.tx.exec_params(
      "INSERT INTO node_journal (node_id, cursor, at, priority, unit, identifier, pid, message) "
      "SELECT $1, e->>'cursor', (e->>'time')::timestamptz, (e->>'priority')::smallint, "
      "coalesce(e->>'unit', ''), coalesce(e->>'identifier', ''), coalesce((e->>'pid')::bigint, 0), "
      "coalesce(e->>'message', '') "
      "FROM jsonb_array_elements(coalesce($2::jsonb->'entries', '[]')) AS e ON CONFLICT DO NOTHING",
      r.node_id, r.body);
  r.tx.exec_params("DELETE FROM node_journal WHERE node_id = $1 AND at < now() - $2::interval",
                   r.node_id, kJournalKept);
  return {};
}

std::vector<Change> ApplyUnitChanged(const NodeReport& r) {
  r.tx.exec_params(
      "INSERT INTO node_units AS k (node_id, unit, state, expected, at) "
      "SELECT $1, b->>'unit', b->>'state', (b->>'expected')::boolean, "
      "coalesce((b->>'time')::timestamptz, now()) "
      "FROM (SELECT $2::jsonb AS b) AS m ON CONFLICT (node_id, unit) DO UPDATE SET state = "
      "excluded.state, "
      "expected = excluded.expected, at = excluded.at WHERE k.at <= excluded.at",
      r.node_id, r.body);
  return NodeChanged(r);
}

// Only an update of the tentacle that reports; its first result is its result.
std::vector<Change> ApplyUpdate(const NodeReport& r) {
  r.tx.exec_params(
      "UPDATE tentacle_updates SET status = b->>'status', reason = left(coalesce(b->>'reason', "
      "''), 1000), "
      "ended = b->>'status' IN ('refused', 'committed', 'rolled_back', 'blocked'), updated_at = "
      "now() "
      "FROM (SELECT $2::jsonb AS b) AS m WHERE 'update-' || id = b->>'updateId' AND node_id = $1 "
      "AND NOT ended",
      r.node_id, r.body);
  return NodeChanged(r);
}

}  // namespace tentacle::backend
