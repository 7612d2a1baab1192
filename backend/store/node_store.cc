#include "backend/store/node_store.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "backend/store/database.h"
#include "backend/store/notify.h"
#include "backend/store/peer_group.h"
#include "backend/store/sealed_secrets.h"
#include "libs/text/view.h"

namespace tentacle::backend {

namespace {

namespace json = boost::json;

// One Node of docs/protocol.md. Offline is told by the row: the hub writes it. A failed command is
// of interest until the next of its kind.
constexpr char kNodes[] = R"sql(
SELECT coalesce(json_agg(node ORDER BY (node->>'name')), '[]')::text FROM (
  SELECT jsonb_strip_nulls(jsonb_build_object(
    'id', n.id::text, 'name', n.name, 'hostname', n.hostname, 'isTentacle', n.is_tentacle, 'online', n.online,
    'since', n.online_since, 'reason', n.reason, 'lastSeen', n.last_seen, 'version', n.version, 'os', n.os,
    'arch', n.arch, 'network', n.network,
    'site', nullif(n.site, ''),
    'ip', split_part(coalesce(n.network #>> '{interfaces,0,addresses,0}', ''), '/', 1),
    'cpuPercent', n.cpu_percent, 'memoryPercent', n.memory_percent)
    || CASE WHEN n.is_tentacle THEN jsonb_build_object(
    'config', n.tentacle_config, 'configRevision', n.config_revision,
    'mode', coalesce(n.tentacle_config #>> '{uplink,mode}', 'full'),
    'tasksPending', (SELECT count(*) FROM provisioning_tasks t WHERE t.tentacle_node_id = n.id
                     AND t.status IN ('waiting', 'booting', 'installing')),
    'imagesCached', (SELECT count(*) FROM node_image_cache c WHERE c.node_id = n.id AND c.cached_at IS NOT NULL),
    'devicesDiscovered', (SELECT count(*) FROM network_discoveries d WHERE d.tentacle_node_id = n.id),
    'link', jsonb_build_object('latencyMs', n.latency_ms) || n.link, 'clone', n.clone, 'services', n.services,
    'configResult', n.config_result, 'imageLedger', n.image_ledger,
    'commandsFailed', (SELECT coalesce(jsonb_agg(jsonb_build_object('commandId', 'cmd-' || c.id, 'command', c.type,
      'reason', c.reason, 'time', c.failed_at) ORDER BY c.id), '[]')
      FROM (SELECT DISTINCT ON (type) * FROM outgoing_commands WHERE node_id = n.id ORDER BY type, id DESC) AS c
      WHERE c.failed_at IS NOT NULL)) ELSE '{}' END) AS node
  FROM nodes n WHERE ($1 = 0 OR n.id = $1) AND (NOT $2 OR n.is_tentacle)) AS list)sql";

absl::Status Missing() {
  return absl::NotFoundError("there is no such node");
}

absl::Status Touched(const absl::StatusOr<std::size_t>& rows, const absl::Status& none) {
  if (!rows.ok()) return rows.status();
  return *rows == 0 ? none : absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> NodeStore::AddToken(const NewToken& token) {
  return db_.Text(R"sql(
INSERT INTO enrollment_tokens (token_sha256, token_prefix, description, created_by, max_uses, expires_at, node_name)
VALUES ($1, $2, $3, $4, $5, now() + make_interval(hours => $6), $7)
RETURNING json_build_object('id', id::text, 'expiresAt', expires_at, 'maxUses', max_uses, 'name', node_name)::text)sql",
                  token.sha256, token.prefix, token.description, token.created_by, token.max_uses,
                  token.expires_hours, token.node_name);
}

absl::StatusOr<std::string> NodeStore::ListTokens() {
  return db_.Text(R"sql(
SELECT coalesce(json_agg(json_build_object('id', id::text, 'token', token_prefix, 'description', description,
  'createdBy', created_by, 'name', node_name, 'uses', uses, 'maxUses', max_uses, 'expiresAt', expires_at,
  'status', CASE WHEN revoked THEN 'revoked' WHEN expires_at <= now() THEN 'expired'
                 WHEN uses >= max_uses THEN 'exhausted' ELSE 'active' END) ORDER BY id), '[]')::text
FROM enrollment_tokens)sql");
}

absl::Status NodeStore::RevokeToken(int id) {
  return Touched(db_.Execute("UPDATE enrollment_tokens SET revoked = true WHERE id = $1", id),
                 absl::NotFoundError("there is no such token"));
}

absl::StatusOr<NodeStore::Enrolled> NodeStore::Enroll(std::string_view token_sha256,
                                                      const Enrollee& enrollee) {
  return db_.Run([&](pqxx::work& tx) {
    // One use is one node: whoever did not hear the answer asks again with the same key and gets
    // it.
    const auto used = tx.exec_params(R"sql(
UPDATE enrollment_tokens SET uses = uses + CASE WHEN known.node THEN 0 ELSE 1 END
FROM (SELECT EXISTS (SELECT FROM nodes WHERE public_key = $2) AS node) known
WHERE token_sha256 = $1 AND NOT revoked AND expires_at > now() AND (known.node OR uses < max_uses)
  AND node_name IN ('', $3)
RETURNING id)sql",
                                     std::string(token_sha256), enrollee.public_key, enrollee.name);
    // One answer for all five reasons: a stranger learns nothing about tokens.
    if (used.empty()) {
      throw StatusError{absl::UnauthenticatedError(
          "the enrollment token is unknown, expired, used up, revoked or for another name")};
    }
    const auto row =
        tx.exec_params(R"sql(
INSERT INTO nodes (name, hostname, machine_id, public_key, version, os, arch, network, is_tentacle, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, true, 'enrolled, not connected yet')
ON CONFLICT (public_key) DO UPDATE SET name = excluded.name, hostname = excluded.hostname,
  machine_id = excluded.machine_id, version = excluded.version, os = excluded.os, arch = excluded.arch,
  network = excluded.network
RETURNING id, tentacle_config::text)sql",
                       enrollee.name, enrollee.hostname, enrollee.machine_id, enrollee.public_key,
                       enrollee.version, enrollee.os, enrollee.arch, enrollee.network_json)[0];
    return Enrolled{row[0].as<int>(), row[1].as<std::string>()};
  });
}

absl::StatusOr<std::string> NodeStore::ListNodes(bool tentacles_only) {
  return db_.Text(kNodes, 0, tentacles_only);
}

absl::StatusOr<std::string> NodeStore::GetNode(int id) {
  auto list = db_.Text(kNodes, id, false);
  if (!list.ok()) return list;
  if (*list == "[]" || id == 0) return Missing();
  return list->substr(1, list->size() - 2);
}

absl::StatusOr<std::string> NodeStore::PublicKey(int id) {
  auto key = db_.Text("SELECT public_key FROM nodes WHERE id = $1", id);
  if (key.ok() && key->empty()) return Missing();
  return key;
}

absl::StatusOr<std::string> NodeStore::RemovedKey(int id) {
  auto key = db_.Text("SELECT public_key FROM removed_nodes WHERE id = $1", id);
  if (key.ok() && key->empty()) return Missing();
  return key;
}

absl::StatusOr<std::int64_t> NodeStore::Update(int id,
                                               const std::string& name,
                                               const std::string& config_json) {
  return db_.Run([&](pqxx::work& tx) -> std::int64_t {
    const auto rows = tx.exec_params(
        "UPDATE nodes SET name = CASE WHEN $2 = '' THEN name ELSE $2 END, "
        "tentacle_config = CASE WHEN $3 = '' THEN tentacle_config ELSE nullif($3, '')::jsonb END, "
        "config_revision = config_revision + CASE WHEN $3 = '' THEN 0 ELSE 1 END "
        "WHERE id = $1 RETURNING config_revision",
        id, name, config_json);
    if (rows.empty()) throw StatusError{Missing()};
    if (!config_json.empty()) NotifyDue(tx, "config", id);
    return config_json.empty() ? 0 : rows[0][0].as<std::int64_t>();
  });
}

absl::Status NodeStore::Delete(int id) {
  return db_
      .Run([&](pqxx::work& tx) {
        // What it has not begun is its standby's from now on; and who shared one with it has
        // another table.
        const auto sharers = tx.exec_params(
            "UPDATE provisioning_tasks SET standby_node_id = NULL, tentacle_node_id = "
            "CASE WHEN tentacle_node_id = $1 THEN standby_node_id ELSE tentacle_node_id END "
            "WHERE $1 IN (tentacle_node_id, standby_node_id) AND standby_node_id IS NOT NULL AND "
            "NOT claimed RETURNING tentacle_node_id",
            id);
        for (const auto& row : sharers)
          NotifyDue(tx, "tasks", row[0].as<int>());
        tx.exec_params(
            "UPDATE provisioning_tasks SET status = 'cancelled', message = 'its tentacle was "
            "removed', "
            "updated_at = now(), completed_at = now() "
            "WHERE tentacle_node_id = $1 AND status IN ('waiting', 'booting', 'installing')",
            id);
        // It may be away: then it is told when it comes.
        tx.exec_params(
            "INSERT INTO removed_nodes (id, public_key) SELECT id, public_key FROM nodes "
            "WHERE id = $1 AND public_key IS NOT NULL ON CONFLICT DO NOTHING",
            id);
        NotifyPeers(tx, id);  // They read their tables when it is gone.
        if (tx.exec_params("DELETE FROM nodes WHERE id = $1", id).affected_rows() == 0)
          throw StatusError{Missing()};
        NotifyDue(tx, "removed", id);
        return true;
      })
      .status();
}

absl::StatusOr<std::string> NodeStore::ConfigUpdate(int id) {
  return db_.Text(
      "SELECT json_build_object('revision', config_revision, 'config', tentacle_config)::text "
      "FROM nodes WHERE id = $1 AND config_revision > 0",
      id);
}

absl::StatusOr<std::string> NodeStore::Inventory(int id) {
  auto text = db_.Text(
      "SELECT (jsonb_build_object('collectedAt', collected_at) || body)::text "
      "FROM node_inventory WHERE node_id = $1",
      id);
  if (text.ok() && text->empty()) return absl::NotFoundError("this node has sent no inventory yet");
  return text;
}

absl::StatusOr<std::string> NodeStore::Metrics(int id, int minutes) {
  return db_.Text(
      "SELECT coalesce(json_agg(body ORDER BY at), '[]')::text FROM node_metrics "
      "WHERE node_id = $1 AND at > now() - make_interval(mins => $2)",
      id, minutes);
}

absl::StatusOr<std::string> NodeStore::Journal(int id, const JournalQuery& query) {
  return db_.Text(R"sql(
SELECT coalesce(json_agg(json_build_object('time', at, 'priority', priority, 'unit', unit, 'identifier', identifier,
  'pid', pid, 'message', message) ORDER BY at DESC), '[]')::text
FROM (SELECT * FROM node_journal WHERE node_id = $1 AND at > now() - make_interval(mins => $2) AND priority <= $3
  AND ($4 = '' OR unit = $4) AND ($5 = '' OR position(lower($5) in lower(message)) > 0)
  ORDER BY at DESC LIMIT $6) AS found)sql",
                  id, query.minutes, query.priority, query.unit, query.text, query.limit);
}

absl::StatusOr<std::string> NodeStore::Units(int id) {
  return db_.Text(
      "SELECT coalesce(json_agg(json_build_object('unit', unit, 'state', state, 'expected', "
      "expected, "
      "'since', at) ORDER BY expected, unit), '[]')::text FROM node_units WHERE node_id = $1",
      id);
}

absl::StatusOr<std::string> NodeStore::Boots(int id) {
  return db_.Text(R"sql(
SELECT coalesce(json_agg(body || jsonb_build_object('mac', mac::text, 'time', at) ORDER BY at DESC, id DESC), '[]')::text
FROM (SELECT * FROM boot_attempts WHERE node_id = $1 ORDER BY at DESC, id DESC LIMIT 200) AS newest)sql",
                  id);
}

absl::StatusOr<std::string> NodeStore::Images(int id) {
  return db_.Text(R"sql(
SELECT coalesce(json_agg(json_build_object('imageId', i.id::text, 'name', i.display_name,
  'sizeBytes', i.size_bytes, 'cachedAt', c.cached_at, 'state', coalesce(nullif(c.state, ''), 'absent'),
  'presentBytes', coalesce(c.present_bytes, 0), 'reason', coalesce(c.reason, ''),
  'wrongChunks', coalesce(c.wrong_chunks, 0), 'wrongChunkAt', c.wrong_chunk_at) ORDER BY i.display_name), '[]')::text
FROM provisioning_images i LEFT JOIN node_image_cache c ON c.image_id = i.id AND c.node_id = $1
WHERE i.state = 'ready')sql",
                  id);
}

absl::StatusOr<std::string> NodeStore::AddCommand(int node_id,
                                                  std::string_view type,
                                                  const std::string& body_json,
                                                  int ttl_seconds,
                                                  const std::string& secrets_json) {
  return db_.Run([&](pqxx::work& tx) {
    return InsertCommand(tx, node_id, type, body_json, ttl_seconds,
                         SealSecrets(sealer_, secrets_json, CommandPlace(node_id)));
  });
}

// What is left of its time goes with it: the tentacle counts from when it has it.
absl::StatusOr<std::string> NodeStore::OpenCommands(int node_id) {
  return db_.Run([&](pqxx::work& tx) {
    const auto rows = tx.exec_params(
        "SELECT 'cmd-' || id, type, (body || "
        "jsonb_build_object('ttlSeconds', ceil(extract(epoch FROM expires_at - now()))::int) || "
        "CASE WHEN type = 'job.run' THEN '{}' "
        "ELSE jsonb_build_object('commandId', 'cmd-' || id) END)::text, sealed_secrets, id "
        "FROM outgoing_commands WHERE node_id = $1 AND acknowledged_at IS NULL "
        "AND expires_at > now() ORDER BY id LIMIT $2",
        node_id, static_cast<int>(kCommandsAtOnce));
    json::array commands;
    for (const auto& row : rows) {
      json::object body = json::parse(row[2].as<std::string>()).as_object();
      const absl::Status opened =
          AddSecrets(sealer_, row[3].as<std::string>(), CommandPlace(node_id), body);
      if (opened.ok()) {
        commands.push_back({{"id", row[0].as<std::string>()},
                            {"type", row[1].as<std::string>()},
                            {"body", std::move(body)}});
        continue;
      }
      tx.exec_params(
          "UPDATE outgoing_commands SET failed_at = now(), acknowledged_at = now(), reason = $2 "
          "WHERE id = $1",
          row[4].as<std::int64_t>(),
          fmt::format("its secrets cannot be opened: {}", text::Message(opened)));
    }
    return json::serialize(commands);
  });
}

absl::Status NodeStore::AcknowledgeCommand(int node_id, std::string_view command_id) {
  return db_
      .Execute(
          "UPDATE outgoing_commands SET acknowledged_at = now() "
          "WHERE node_id = $1 AND 'cmd-' || id = $2 AND acknowledged_at IS NULL",
          node_id, std::string(command_id))
      .status();
}

}  // namespace tentacle::backend
