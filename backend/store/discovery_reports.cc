#include "backend/store/discovery_reports.h"

#include "backend/store/notify.h"

namespace tentacle::backend {

namespace {

using Changes = std::vector<Change>;
using Report = NodeReport;

// A segment that is attacked for a week still has a readable list.
constexpr int kEventsKept = 1000;
constexpr int kWakesKept = 1000;

Changes DeviceChanges(const Report& r) {
  const std::string node = std::to_string(r.node_id);
  return {{"device", node}, {"node", node}};
}

// A device is managed when a node told an interface with its MAC. One that a report has twice is
// its later self: a row cannot be written twice in one statement.
void UpsertDevices(const Report& r) {
  r.tx.exec_params(R"sql(
INSERT INTO network_discoveries AS d (tentacle_node_id, mac_address, ip_address, hostname, vendor, open_ports, first_seen,
  last_seen, is_managed, managed_node_id, state, details, reported_at)
SELECT $1, (e->>'mac')::macaddr, nullif(e->>'ip', '')::inet, coalesce(e->>'hostname', ''), coalesce(e->>'vendor', ''),
  ARRAY(SELECT (p->>'port')::int FROM jsonb_array_elements(coalesce(e->'ports', '[]')) AS p),
  coalesce((e->>'firstSeen')::timestamptz, now()), coalesce((e->>'lastSeen')::timestamptz, now()),
  n.id IS NOT NULL, n.id, left(coalesce(e->>'state', 'online'), 16),
  e - '{mac,ip,hostname,vendor,firstSeen,lastSeen,state}'::text[], now()
FROM (SELECT DISTINCT ON (lower(d->>'mac')) d AS e
      FROM jsonb_array_elements(coalesce($2::jsonb->'devices', '[]')) AS d
      ORDER BY lower(d->>'mac'), (d->>'lastSeen')::timestamptz DESC NULLS LAST) AS seen
LEFT JOIN LATERAL (SELECT id FROM nodes, jsonb_array_elements(coalesce(network->'interfaces', '[]')) AS f
  WHERE lower(f->>'mac') = lower(e->>'mac') LIMIT 1) AS n ON true
ON CONFLICT (tentacle_node_id, mac_address) DO UPDATE SET ip_address = coalesce(excluded.ip_address, d.ip_address),
  hostname = CASE WHEN excluded.hostname = '' THEN d.hostname ELSE excluded.hostname END, vendor = excluded.vendor,
  open_ports = excluded.open_ports, first_seen = least(d.first_seen, excluded.first_seen),
  last_seen = greatest(d.last_seen, excluded.last_seen), is_managed = excluded.is_managed,
  managed_node_id = excluded.managed_node_id, state = excluded.state, details = excluded.details,
  reported_at = excluded.reported_at)sql",
                   r.node_id, r.body);
}

// One order at a time, and not again while its answer may be on the way.
void OrderSnapshot(const Report& r) {
  const auto added = r.tx.exec_params(R"sql(
INSERT INTO outgoing_commands (node_id, type, body) SELECT $1, 'discovery.sync', '{}'
WHERE NOT EXISTS (SELECT 1 FROM outgoing_commands WHERE node_id = $1 AND type = 'discovery.sync'
  AND (acknowledged_at IS NULL OR acknowledged_at > now() - interval '1 minute')))sql",
                                      r.node_id);
  if (added.affected_rows() > 0) NotifyDue(r.tx, "commands", r.node_id);
}

void AddEvent(const Report& r, const char* kind) {
  r.tx.exec_params(R"sql(
INSERT INTO network_events (tentacle_node_id, at, kind, body)
SELECT $1, coalesce((b->>'time')::timestamptz, now()), left(coalesce(nullif($3, ''), b->>'kind', 'unknown'), 64), b
FROM (SELECT $2::jsonb AS b) AS m)sql",
                   r.node_id, r.body, std::string(kind));
  r.tx.exec_params(R"sql(
DELETE FROM network_events WHERE tentacle_node_id = $1 AND id <= (SELECT id FROM network_events
  WHERE tentacle_node_id = $1 ORDER BY id DESC OFFSET $2 LIMIT 1))sql",
                   r.node_id, kEventsKept);
}

}  // namespace

Changes ApplyScanResult(const Report& r) {
  UpsertDevices(r);
  return DeviceChanges(r);
}

Changes ApplyDeviceChange(const Report& r) {
  UpsertDevices(r);
  r.tx.exec_params(R"sql(
DELETE FROM network_discoveries WHERE tentacle_node_id = $1 AND mac_address IN
  (SELECT m::macaddr FROM jsonb_array_elements_text(coalesce($2::jsonb->'forgotten', '[]')) AS m))sql",
                   r.node_id, r.body);
  // After a gap there is no revision until a snapshot is whole, so that what is missing is asked
  // for again also where it could not be ordered at once.
  const auto follows = r.tx.exec_params(R"sql(
UPDATE nodes AS n SET device_revision = CASE WHEN n.device_revision = (b->>'previous')::bigint THEN (b->>'revision')::bigint END
FROM (SELECT $2::jsonb AS b) AS m WHERE n.id = $1 RETURNING n.device_revision IS NOT NULL)sql",
                                        r.node_id, r.body);
  if (follows.empty() || !follows[0][0].as<bool>()) OrderSnapshot(r);
  return DeviceChanges(r);
}

Changes ApplyDeviceSnapshot(const Report& r) {
  // Before anything of it is written, so that the first part counts as reported since.
  r.tx.exec_params(
      "UPDATE nodes SET device_snapshot_at = now() WHERE id = $1 AND ($2::jsonb->>'part')::int = 1",
      r.node_id, r.body);
  UpsertDevices(r);
  r.tx.exec_params(R"sql(
WITH whole AS (UPDATE nodes SET device_revision = ($2::jsonb->>'revision')::bigint
  WHERE id = $1 AND ($2::jsonb->>'part')::int = ($2::jsonb->>'parts')::int RETURNING device_snapshot_at)
DELETE FROM network_discoveries USING whole WHERE tentacle_node_id = $1 AND reported_at < whole.device_snapshot_at)sql",
                   r.node_id, r.body);
  return DeviceChanges(r);
}

Changes ApplySegment(const Report& r) {
  r.tx.exec_params(R"sql(
INSERT INTO network_segments (tentacle_node_id, at, body)
SELECT $1, coalesce((b->>'time')::timestamptz, now()), b FROM (SELECT $2::jsonb AS b) AS m
ON CONFLICT (tentacle_node_id) DO UPDATE SET at = excluded.at, body = excluded.body)sql",
                   r.node_id, r.body);
  return {{"device", std::to_string(r.node_id)}};
}

Changes ApplyNetworkAlert(const Report& r) {
  AddEvent(r, "");
  return {{"device", std::to_string(r.node_id)}};
}

Changes ApplyRogueDhcp(const Report& r) {
  AddEvent(r, "rogue-dhcp");
  return {{"device", std::to_string(r.node_id)}};
}

Changes ApplyWakeSent(const Report& r) {
  // Carried out after all, though its time was up when the acknowledgement was lost.
  r.tx.exec_params(
      "UPDATE outgoing_commands SET failed_at = NULL, reason = '', acknowledged_at = "
      "coalesce(acknowledged_at, "
      "now()) WHERE node_id = $1 AND 'cmd-' || id = $2::jsonb->>'commandId'",
      r.node_id, r.body);
  r.tx.exec_params(R"sql(
INSERT INTO wake_results (tentacle_node_id, command_id, mac_address, packets)
SELECT $1, left(coalesce(b->>'commandId', ''), 128), (b->>'mac')::macaddr, coalesce((b->>'packets')::int, 0)
FROM (SELECT $2::jsonb AS b) AS m)sql",
                   r.node_id, r.body);
  r.tx.exec_params(R"sql(
DELETE FROM wake_results WHERE tentacle_node_id = $1 AND id <= (SELECT id FROM wake_results
  WHERE tentacle_node_id = $1 ORDER BY id DESC OFFSET $2 LIMIT 1))sql",
                   r.node_id, kWakesKept);
  return {{"device", std::to_string(r.node_id)}};
}

Changes ApplyWakeResult(const Report& r) {
  r.tx.exec_params(R"sql(
UPDATE wake_results SET state = left(coalesce(b->>'state', 'sent'), 16), after_ms = (b->>'afterMs')::bigint,
  evidence = left(coalesce(b->>'evidence', ''), 64), methods = coalesce(b->'methods', '[]')
FROM (SELECT $2::jsonb AS b) AS m WHERE id = (SELECT max(id) FROM wake_results WHERE tentacle_node_id = $1
  AND mac_address = (b->>'mac')::macaddr AND command_id = coalesce(b->>'commandId', '')))sql",
                   r.node_id, r.body);
  return {{"device", std::to_string(r.node_id)}};
}

}  // namespace tentacle::backend
