#include "backend/store/report_store.h"

#include <array>

#include <boost/json/serialize.hpp>

#include "backend/core/event_id.h"
#include "backend/store/agent_reports.h"
#include "backend/store/database.h"
#include "backend/store/discovery_reports.h"
#include "backend/store/notify.h"
#include "backend/store/peer_group.h"

namespace tentacle::backend {

namespace {

constexpr char kBootsKept[] = "90 days";  // A quarter of a year of who booted where.
// Of a tentacle, for its neighbours; each is an IPv4 or IPv6 address.
constexpr int kOfferedAddresses = 16;
constexpr int kAddressBytes = 64;

using Changes = std::vector<Change>;
using Report = NodeReport;

std::string NodeText(const Report& r) {
  return std::to_string(r.node_id);
}

Changes ApplyStatus(const Report& r) {
  r.tx.exec_params(
      "UPDATE nodes SET version = coalesce($2::jsonb->>'version', version), last_seen = now() "
      "WHERE id = $1",
      r.node_id, r.body);
  return {{"node", NodeText(r)}};
}

// Only tasks of the tentacle that reports: nobody speaks for another's machines. The first of two
// tentacles whose machine boots has the task for itself from then on; a standby says that it has
// taken over, and the two change places. What no id orders is ordered by its time.
Changes ApplyTaskStatus(const Report& r) {
  const auto rows = r.tx.exec_params(R"sql(
UPDATE provisioning_tasks t SET tentacle_node_id = $1,
  standby_node_id = CASE WHEN t.standby_node_id = $1 THEN t.tentacle_node_id ELSE t.standby_node_id END,
  status = b->>'status', stage = coalesce(b->>'stage', t.stage),
  message = coalesce(b->>'message', ''), progress = coalesce((b->>'progress')::int, t.progress),
  reported_at = coalesce((b->>'time')::timestamptz, now()), updated_at = now(),
  started_at = CASE WHEN b->>'status' <> 'waiting'
               THEN coalesce(t.started_at, (b->>'time')::timestamptz, now()) ELSE t.started_at END,
  completed_at = CASE WHEN b->>'status' IN ('complete', 'failed', 'cancelled')
                 THEN coalesce((b->>'time')::timestamptz, now()) ELSE t.completed_at END
FROM (SELECT $2::jsonb AS b) AS m JOIN provisioning_tasks was ON was.id::text = b->>'taskId'
WHERE t.id = was.id AND t.status IN ('waiting', 'booting', 'installing')
  AND (t.tentacle_node_id = $1 OR t.standby_node_id = $1 AND NOT t.claimed AND b->>'tookOver' = 'true')
  AND ($3::boolean OR t.reported_at IS NULL OR t.reported_at <= coalesce((b->>'time')::timestamptz, now()))
RETURNING t.id::text, t.standby_node_id IS NOT NULL AND t.claimed AND NOT was.claimed,
  coalesce(t.standby_node_id, 0))sql",
                                     r.node_id, r.body, r.in_order);
  if (rows.empty()) return {};
  const auto task = rows[0][0].as<std::string>();
  const int other = rows[0][2].as<int>();
  // It is no longer shared: both have another table.
  if (rows[0][1].as<bool>()) {
    NotifyDue(r.tx, "tasks", r.node_id);
    NotifyDue(r.tx, "tasks", other);
  }
  Changes changes{{"task", task}, {"node", NodeText(r)}};
  if (other != 0) changes.push_back({"task", task, other});
  return changes;
}

Changes ApplyTimeline(const Report& r) {
  const auto rows = r.tx.exec_params(R"sql(
INSERT INTO task_timeline (task_id, at, step, detail)
SELECT t.id, coalesce((b->>'time')::timestamptz, now()), left(b->>'step', 64), left(coalesce(b->>'detail', ''), 1000)
FROM (SELECT $2::jsonb AS b) AS m JOIN provisioning_tasks t ON t.id::text = b->>'taskId'
  AND $1 IN (t.tentacle_node_id, t.standby_node_id)
RETURNING task_id::text)sql",
                                     r.node_id, r.body);
  if (rows.empty()) return {};
  return {{"task", rows[0][0].as<std::string>()}};
}

// The beginning of a boot, or the whole of it at its end: told apart by "verdict".
Changes ApplyBoot(const Report& r) {
  r.tx.exec_params(
      "INSERT INTO boot_attempts (node_id, at, mac, body) SELECT $1, "
      "coalesce((b->>'time')::timestamptz, now()), (b->>'mac')::macaddr, b FROM (SELECT $2::jsonb "
      "AS b) m",
      r.node_id, r.body);
  r.tx.exec_params("DELETE FROM boot_attempts WHERE node_id = $1 AND at < now() - $2::interval",
                   r.node_id, kBootsKept);
  return {{"node", NodeText(r)}};
}

// How far a pull is comes when nothing more important has to: it may be older than what is known,
// and says nothing of the state. Who was never asked for an image does not know whether it is
// there.
Changes ApplyImage(const Report& r) {
  const auto rows = r.tx.exec_params(R"sql(
INSERT INTO node_image_cache AS k (node_id, image_id, cached_at, size_bytes, present_bytes, state, reason)
SELECT $1, i.id, CASE WHEN s = 'cached' THEN now() END, coalesce((b->>'size')::bigint, (b->>'sizeBytes')::bigint, 0),
  coalesce((b->>'presentBytes')::bigint, (b->>'size')::bigint, 0), s, coalesce(b->>'reason', '')
FROM (SELECT $2::jsonb AS b, coalesce($2::jsonb->>'state', 'cached') AS s) AS m
JOIN provisioning_images i ON i.id::text = b->>'imageId'
WHERE b->>'interim' IS DISTINCT FROM 'true' OR EXISTS (
  SELECT FROM node_image_cache WHERE node_id = $1 AND image_id = i.id)
ON CONFLICT (node_id, image_id) DO UPDATE SET
  cached_at = CASE WHEN excluded.state = 'cached' THEN coalesce(k.cached_at, now()) END,
  size_bytes = excluded.size_bytes, present_bytes = excluded.present_bytes, state = excluded.state,
  reason = excluded.reason
WHERE CASE WHEN $2::jsonb->>'interim' = 'true' THEN k.state = excluded.state
      ELSE k.state <> 'cached' OR $2::jsonb ?| array['size', 'sizeBytes'] END
RETURNING image_id::text)sql",
                                     r.node_id, r.body);
  if (rows.empty()) return {};
  return {{"image", rows[0][0].as<std::string>()}, {"node", NodeText(r)}};
}

// The state is not touched: `image.progress` says what becomes of the image.
Changes ApplyImageCorrupt(const Report& r) {
  const auto rows = r.tx.exec_params(R"sql(
INSERT INTO node_image_cache AS k (node_id, image_id, wrong_chunks, wrong_chunk_at)
SELECT $1, i.id, 1, now() FROM provisioning_images i WHERE i.id::text = $2::jsonb->>'imageId'
ON CONFLICT (node_id, image_id) DO UPDATE SET wrong_chunks = k.wrong_chunks + 1, wrong_chunk_at = now()
RETURNING image_id::text)sql",
                                     r.node_id, r.body);
  if (rows.empty()) return {};
  return {{"image", rows[0][0].as<std::string>()}, {"node", NodeText(r)}};
}

Changes ApplyImageEvicted(const Report& r) {
  r.tx.exec_params(
      "DELETE FROM node_image_cache WHERE node_id = $1 AND image_id::text = $2::jsonb->>'imageId'",
      r.node_id, r.body);
  return {{"image", ""}, {"node", NodeText(r)}};
}

Changes ApplyLink(const Report& r) {
  r.tx.exec_params(R"sql(
UPDATE nodes SET last_seen = now(), latency_ms = (b->>'latencyMs')::float8,
  link = link || jsonb_strip_nulls(jsonb_build_object('jitterMs', (b->>'jitterMs')::float8,
    'lossPercent', (b->>'lossPercent')::float8, 'throughputMbit', (b->>'throughputMbit')::float8))
FROM (SELECT $2::jsonb AS b) AS m WHERE id = $1)sql",
                   r.node_id, r.body);
  return {{"node", NodeText(r)}};
}

// The command is over: what is not acknowledged yet is not sent again.
Changes ApplyCommandFailed(const Report& r) {
  r.tx.exec_params(R"sql(
WITH ended AS (UPDATE outgoing_commands SET failed_at = now(), acknowledged_at = coalesce(acknowledged_at, now()),
    reason = left(coalesce(b->>'reason', ''), 1000)
  FROM (SELECT $2::jsonb AS b) AS m WHERE node_id = $1 AND 'cmd-' || id = b->>'commandId' RETURNING type, body, reason)
UPDATE prepull_targets SET state = 'failed', reason = ended.reason, updated_at = now() FROM ended
WHERE ended.type = 'image.prepull' AND node_id = $1 AND prepull_id::text = ended.body->>'scheduleId' AND state = 'ordered')sql",
                   r.node_id, r.body);
  return {{"node", NodeText(r)}};
}

// Cumulative, so that one that was lost costs nothing.
Changes ApplyLedger(const Report& r) {
  r.tx.exec_params(R"sql(
UPDATE nodes SET image_ledger = (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each($2::jsonb)
  WHERE length(value::text) <= 40 AND (
    key IN ('since', 'time') AND jsonb_typeof(value) = 'string' OR
    key IN ('backendBytes', 'peerBytes', 'localBytes', 'servedBytes', 'peerServedBytes', 'throughputMbit')
      AND jsonb_typeof(value) = 'number'))
WHERE id = $1)sql",
                   r.node_id, r.body);
  return {{"node", NodeText(r)}};
}

Changes ApplyPeerOffer(const Report& r) {
  r.tx.exec_params(R"sql(
UPDATE nodes SET peer_offer = CASE WHEN port BETWEEN 1 AND 65535 THEN jsonb_build_object('port', port,
  'addresses', (SELECT coalesce(jsonb_agg(one ORDER BY place), '[]') FROM (
    SELECT one, place FROM jsonb_array_elements(addresses) WITH ORDINALITY AS all_of_them(one, place)
    WHERE jsonb_typeof(one) = 'string' AND length(one #>> '{}') <= $3 ORDER BY place LIMIT $4) AS few)) END
FROM (SELECT CASE WHEN jsonb_typeof(b->'port') = 'number' THEN floor((b->>'port')::numeric) END AS port,
        CASE WHEN jsonb_typeof(b->'addresses') = 'array' THEN b->'addresses' ELSE '[]' END AS addresses
      FROM (SELECT $2::jsonb AS b) AS m) AS offer
WHERE id = $1)sql",
                   r.node_id, r.body, kAddressBytes, kOfferedAddresses);
  NotifyPeers(r.tx, r.node_id);
  return {};
}

Changes ApplyConfigResult(const Report& r) {
  r.tx.exec_params(
      "UPDATE nodes SET config_result = jsonb_build_object('revision', $2::jsonb->'revision', "
      "'status', "
      "$2::jsonb->'status', 'reason', left($2::jsonb->>'reason', 1000), 'time', $2::jsonb->'time') "
      "WHERE id = $1",
      r.node_id, r.body);
  return {{"node", NodeText(r)}};
}

// What a cancelled one still says is its last word on the way here.
Changes ApplyPrepull(const Report& r) {
  const auto rows = r.tx.exec_params(R"sql(
UPDATE prepull_targets SET state = b->>'state', feasible = (b->>'feasible')::boolean,
  expected_at = (b->>'expectedAt')::timestamptz, forecast = left(coalesce(b->>'forecast', forecast), 1000),
  reason = left(coalesce(b->>'reason', ''), 1000), updated_at = now()
FROM (SELECT $2::jsonb AS b) AS m
WHERE prepull_id::text = b->>'scheduleId' AND node_id = $1 AND prepull_targets.state <> 'cancelled'
RETURNING prepull_id::text)sql",
                                     r.node_id, r.body);
  if (rows.empty()) return {};
  return {{"prepull", rows[0][0].as<std::string>()}};
}

struct Handler {
  std::string_view type;
  Changes (*apply)(const NodeReport& report);
};

constexpr std::array<Handler, 33> kHandlers = {{
    {"status", &ApplyStatus},
    {"task.status", &ApplyTaskStatus},
    {"task.timeline", &ApplyTimeline},
    {"boot.detected", &ApplyBoot},
    {"boot.record", &ApplyBoot},
    {"image.cached", &ApplyImage},
    {"image.progress", &ApplyImage},
    {"image.evicted", &ApplyImageEvicted},
    {"image.corrupt", &ApplyImageCorrupt},
    {"image.ledger", &ApplyLedger},
    {"peer.offer", &ApplyPeerOffer},
    {"prepull.status", &ApplyPrepull},
    {"discovery.result", &ApplyScanResult},
    {"device.changed", &ApplyDeviceChange},
    {"device.snapshot", &ApplyDeviceSnapshot},
    {"network.segment", &ApplySegment},
    {"network.alert", &ApplyNetworkAlert},
    {"dhcp.rogue", &ApplyRogueDhcp},
    {"wake.sent", &ApplyWakeSent},
    {"wake.result", &ApplyWakeResult},
    {"config.result", &ApplyConfigResult},
    {"inventory", &ApplyInventory},
    {"metrics", &ApplyMetrics},
    {"job.result", &ApplyJobResult},
    {"job.status", &ApplyJobStatus},
    {"journal", &ApplyJournal},
    {"unit.changed", &ApplyUnitChanged},
    {"update.status", &ApplyUpdate},
    {"session.started", &ApplyShellStarted},
    {"session.recording", &ApplyShellRecording},
    {"session.ended", &ApplyShellEnded},
    {"command.failed", &ApplyCommandFailed},
    {"link", &ApplyLink},
}};

// PostgreSQL's text has no U+0000 (its documentation, section 8.14.1), and the output of a job may:
// it becomes U+FFFD.
void ReplaceNul(boost::json::value* value) {
  if (auto* text = value->if_string()) {
    std::size_t at = text->find('\0');
    for (; at != boost::json::string::npos; at = text->find('\0', at))
      text->replace(at, 1, "\xEF\xBF\xBD");
  } else if (auto* list = value->if_array()) {
    for (auto& one : *list)
      ReplaceNul(&one);
  } else if (auto* object = value->if_object()) {
    for (auto& field : *object)
      ReplaceNul(&field.value());
  }
}

std::string BodyText(const boost::json::object& body) {
  boost::json::value copy = body;
  ReplaceNul(&copy);
  return boost::json::serialize(copy);
}

// Remembers the id in the same transaction. A second connection of the same tentacle waits here for
// the first one's row.
bool IsFresh(pqxx::work& tx, int node_id, const std::string& id) {
  if (const auto position = ParseEventPosition(id)) {
    return tx.exec_params(
                 "INSERT INTO event_cursors AS c (node_id, lane, last) VALUES ($1, $2, $3) ON "
                 "CONFLICT "
                 "(node_id, lane) DO UPDATE SET last = excluded.last WHERE c.last < excluded.last",
                 node_id, position->lane, position->sequence)
               .affected_rows() > 0;
  }
  return tx.exec_params(
               "INSERT INTO received_messages (node_id, message_id) VALUES ($1, $2) ON CONFLICT DO "
               "NOTHING",
               node_id, id)
             .affected_rows() > 0;
}

const Handler* Find(std::string_view type) {
  for (const Handler& handler : kHandlers) {
    if (handler.type == type) return &handler;
  }
  return nullptr;
}

// The id and the effect of one message.
Applied ApplyOne(pqxx::work& tx, int node_id, const backend_link::Message& message) {
  const Handler* handler = Find(message.type);
  if (handler == nullptr) return {false, false, {}};
  if (message.id && !IsFresh(tx, node_id, *message.id)) return {true, true, {}};
  const bool in_order = message.id && ParseEventPosition(*message.id);
  return {true, false, handler->apply(NodeReport{tx, node_id, BodyText(message.body), in_order})};
}

}  // namespace

absl::StatusOr<Applied> ReportStore::Apply(int node_id, const backend_link::Message& message) {
  return db_.Run([&](pqxx::work& tx) { return ApplyOne(tx, node_id, message); });
}

std::vector<absl::StatusOr<Applied>> ReportStore::ApplyAll(
    int node_id, const std::vector<backend_link::Message>& messages) {
  std::vector<absl::StatusOr<Applied>> results;
  if (messages.size() > 1) {
    auto all = db_.Run([&](pqxx::work& tx) {
      std::vector<Applied> applied;
      for (const auto& message : messages)
        applied.push_back(ApplyOne(tx, node_id, message));
      return applied;
    });
    if (all.ok()) {
      for (Applied& one : *all)
        results.emplace_back(std::move(one));
      return results;
    }
  }
  for (const auto& message : messages) {
    results.push_back(Apply(node_id, message));
    if (!results.back().ok() && !absl::IsInvalidArgument(results.back().status())) break;
  }
  return results;
}

}  // namespace tentacle::backend
