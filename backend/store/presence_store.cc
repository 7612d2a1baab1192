#include "backend/store/presence_store.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "backend/store/database.h"
#include "backend/store/notify.h"

namespace tentacle::backend {

namespace {

namespace json = boost::json;

// A backend says every two seconds that it lives (replicas.cc).
constexpr char kAlive[] = "8 seconds";
// For so long a clone is kept out after its original has gone: longer than a restart takes.
constexpr char kCloneMemory[] = "10 minutes";
// Longer than any token is good for: its 5 minutes and a minute of skew at either end.
constexpr char kTokenMemory[] = "10 minutes";
// A command that is on its way down when its time is up may still be acknowledged.
constexpr char kExpiryGrace[] = "5 seconds";

json::value Parsed(const std::string& text) {
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  return error ? json::value() : value;
}

json::object ToJson(const PresenceRow& row) {
  json::object object{{"id", row.node_id}, {"keep", row.keep}};
  if (row.online) object["online"] = *row.online;
  object["reason"] = row.reason;
  object["instance"] = row.instance;
  if (!row.version.empty()) object["version"] = row.version;
  if (!row.services_json.empty()) object["services"] = Parsed(row.services_json);
  if (!row.link_json.empty()) object["link"] = Parsed(row.link_json);
  return object;
}

std::vector<int> Ids(const pqxx::result& rows) {
  std::vector<int> ids;
  for (const auto& row : rows)
    ids.push_back(row[0].as<int>());
  return ids;
}

}  // namespace

absl::StatusOr<std::set<int>> PresenceStore::Write(const std::vector<PresenceRow>& rows) {
  json::array list;
  for (const PresenceRow& row : rows)
    list.emplace_back(ToJson(row));
  const std::string text = json::serialize(list);
  return db_.Run([&](pqxx::work& tx) {
    // Offline is what only the holder may say: a tentacle that has moved on to another backend
    // stays online.
    const auto written = tx.exec_params(R"sql(
UPDATE nodes n SET
  online = coalesce(b.online AND (NOT b.keep OR n.replica = $2) OR (n.online AND n.replica <> $2), n.online),
  online_since = CASE WHEN b.online IS NULL OR (b.keep AND n.online) OR (NOT b.online AND n.replica <> $2)
                 THEN n.online_since ELSE now() END,
  reason = CASE WHEN b.online IS NULL OR b.keep OR (NOT b.online AND n.replica <> $2) THEN n.reason ELSE b.reason END,
  replica = CASE WHEN b.online AND NOT b.keep THEN $2 ELSE n.replica END,
  instance = CASE WHEN b.online AND NOT b.keep THEN b.instance ELSE n.instance END,
  version = coalesce(b.version, n.version), services = coalesce(b.services, n.services),
  link = n.link || coalesce(b.link, '{}'),
  latency_ms = coalesce((b.link->>'latencyMs')::float8, n.latency_ms),
  last_seen = CASE WHEN b.online IS NOT FALSE THEN now() ELSE n.last_seen END
FROM jsonb_to_recordset($1::jsonb) AS b(id int, online boolean, keep boolean, reason text, instance text,
  version text, services jsonb, link jsonb)
WHERE n.id = b.id RETURNING n.id)sql",
                                        text, replica_);
    const std::vector<int> ids = Ids(written);
    return std::set<int>(ids.begin(), ids.end());
  });
}

absl::StatusOr<Arrival> PresenceStore::Arrive(int node_id) {
  return db_.Run([&](pqxx::work& tx) {
    const auto rows = tx.exec_params(R"sql(
SELECT n.instance, CASE WHEN n.online AND n.replica <> $2 AND EXISTS (SELECT 1 FROM replicas r
    WHERE r.id = n.replica AND r.seen_at > now() - $3::interval) THEN n.replica ELSE '' END,
  coalesce((n.clone->>'lastSeen')::timestamptz > now() - $4::interval AND n.last_seen > now() - $4::interval, false)
FROM nodes n WHERE n.id = $1)sql",
                                     node_id, replica_, kAlive, kCloneMemory);
    if (rows.empty()) throw StatusError{absl::NotFoundError("there is no such node")};
    return Arrival{rows[0][0].as<std::string>(), rows[0][1].as<std::string>(),
                   rows[0][2].as<bool>()};
  });
}

absl::StatusOr<bool> PresenceStore::RecordClone(int node_id,
                                                std::string_view address,
                                                std::string_view instance,
                                                bool connected) {
  return db_.Run([&](pqxx::work& tx) {
    const auto rows = tx.exec_params(R"sql(
UPDATE nodes SET clone = jsonb_build_object('address', $2::text, 'instance', $3::text, 'connected', $4::boolean,
  'since', CASE WHEN clone->>'instance' = $3 THEN clone->'since' ELSE to_jsonb(now()) END, 'lastSeen', now())
WHERE id = $1 AND ($4 OR clone IS NOT NULL) RETURNING coalesce(last_seen > now() - $5::interval, false))sql",
                                     node_id, std::string(address), std::string(instance),
                                     connected, kCloneMemory);
    return !rows.empty() && rows[0][0].as<bool>();
  });
}

absl::Status PresenceStore::ForgetClone(int node_id) {
  return db_
      .Run([&](pqxx::work& tx) {
        if (tx.exec_params("UPDATE nodes SET clone = NULL WHERE id = $1", node_id)
                .affected_rows() == 0) {
          throw StatusError{absl::NotFoundError("there is no such node")};
        }
        NotifyDue(tx, "clone.forgotten", node_id);
        return true;
      })
      .status();
}

absl::Status PresenceStore::Start() {
  return db_
      .Run([&](pqxx::work& tx) {
        // One that was killed a moment ago is still in `replicas`, but its connection that listens
        // is not.
        tx.exec(
            "UPDATE nodes SET online = false, online_since = now(), reason = 'the backend was "
            "restarted' "
            "WHERE online AND NOT EXISTS (SELECT 1 FROM replicas r JOIN pg_stat_activity a "
            "ON a.application_name = r.id WHERE r.id = nodes.replica)");
        tx.exec_params(
            "INSERT INTO replicas (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET seen_at = now()",
            replica_);
        return true;
      })
      .status();
}

absl::Status PresenceStore::UseToken(std::string_view sha256) {
  const auto fresh = db_.Execute(
      "INSERT INTO link_tokens (sha256) VALUES ($1) ON CONFLICT DO NOTHING", std::string(sha256));
  if (!fresh.ok()) return fresh.status();
  return *fresh == 1 ? absl::OkStatus()
                     : absl::UnauthenticatedError("this token has opened a connection already");
}

absl::StatusOr<ReplicaReport> PresenceStore::Heartbeat() {
  return db_.Run([&](pqxx::work& tx) {
    ReplicaReport report;
    tx.exec_params(
        "INSERT INTO replicas (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET seen_at = now()",
        replica_);
    tx.exec_params("DELETE FROM replicas WHERE seen_at < now() - interval '1 day'");
    tx.exec_params("DELETE FROM link_tokens WHERE used_at < now() - $1::interval", kTokenMemory);
    const auto others = tx.exec_params(
        "SELECT count(*) FROM replicas WHERE id <> $1 AND seen_at > now() - $2::interval", replica_,
        kAlive);
    report.others = others[0][0].as<std::size_t>();
    const auto tentacles = tx.exec("SELECT count(*) FROM nodes WHERE is_tentacle");
    report.tentacles = tentacles[0][0].as<std::size_t>();
    report.lost_nodes = Ids(tx.exec_params(R"sql(
UPDATE nodes SET online = false, online_since = now(), reason = 'the backend that held its connection is gone'
WHERE online AND replica <> $1 AND NOT EXISTS (SELECT 1 FROM replicas r
  WHERE r.id = nodes.replica AND r.seen_at > now() - $2::interval) RETURNING id)sql",
                                           replica_, kAlive));
    report.expired_nodes = Ids(tx.exec_params(R"sql(
WITH late AS (UPDATE outgoing_commands SET failed_at = now(), acknowledged_at = now(),
    reason = 'expired: the tentacle could not be reached until ' || to_char(expires_at AT TIME ZONE 'UTC',
      'YYYY-MM-DD HH24:MI:SS') || ' UTC'
  WHERE acknowledged_at IS NULL AND expires_at < now() - $1::interval RETURNING node_id, type, body, reason),
prepulls AS (UPDATE prepull_targets t SET state = 'failed', reason = late.reason, updated_at = now() FROM late
  WHERE late.type = 'image.prepull' AND t.node_id = late.node_id AND t.prepull_id::text = late.body->>'scheduleId'
    AND t.state = 'ordered'),
jobs AS (UPDATE job_instances i SET status = 'failed', success = false, error_message = late.reason,
    updated_at = now() FROM late WHERE late.type = 'job.run' AND 'job-' || i.id = late.body #>> '{job,id}')
SELECT DISTINCT node_id FROM late)sql",
                                              kExpiryGrace));
    return report;
  });
}

absl::Status PresenceStore::Stop(std::string_view reason) {
  return db_
      .Run([&](pqxx::work& tx) {
        tx.exec_params(
            "UPDATE nodes SET online = false, online_since = now(), reason = $2 WHERE online AND "
            "replica = $1",
            replica_, std::string(reason));
        tx.exec_params("DELETE FROM replicas WHERE id = $1", replica_);
        return true;
      })
      .status();
}

absl::Status PresenceStore::Notify(std::string_view payload) {
  return db_.Text("SELECT 'sent' FROM pg_notify($1, $2)", kNotifyChannel, std::string(payload))
      .status();
}

}  // namespace tentacle::backend
