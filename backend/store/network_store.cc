#include "backend/store/network_store.h"

#include "backend/store/database.h"

namespace tentacle::backend {

absl::StatusOr<std::string> NetworkStore::Devices(int node_id) {
  return db_.Text(R"sql(
SELECT coalesce(jsonb_agg(d.details || jsonb_build_object('mac', mac_address::text, 'ip', host(ip_address),
  'hostname', hostname, 'vendor', vendor, 'openPorts', open_ports, 'firstSeen', first_seen, 'lastSeen', last_seen,
  'state', state, 'isManaged', is_managed, 'managedNodeId', managed_node_id::text,
  'lastWake', (SELECT jsonb_build_object('state', w.state, 'afterMs', w.after_ms, 'evidence', w.evidence,
    'sentAt', w.sent_at) FROM wake_results w WHERE w.tentacle_node_id = $1 AND w.mac_address = d.mac_address
    ORDER BY w.id DESC LIMIT 1)) ORDER BY ip_address), '[]')::text
FROM network_discoveries AS d WHERE tentacle_node_id = $1)sql",
                  node_id);
}

absl::StatusOr<std::string> NetworkStore::Segment(int node_id) {
  return db_.Text(R"sql(
SELECT coalesce((SELECT body FROM network_segments WHERE tentacle_node_id = $1),
  '{"dhcpServers":[],"neighbours":[],"gateways":[],"topology":{"nodes":[],"edges":[],"omittedDevices":0}}')::text)sql",
                  node_id);
}

absl::StatusOr<std::string> NetworkStore::Events(int node_id) {
  return db_.Text(R"sql(
SELECT coalesce(jsonb_agg(body || jsonb_build_object('id', id::text, 'kind', kind, 'time', at) ORDER BY id DESC), '[]')::text
FROM (SELECT * FROM network_events WHERE tentacle_node_id = $1 ORDER BY id DESC LIMIT 500) AS newest)sql",
                  node_id);
}

absl::StatusOr<std::string> NetworkStore::Wakes(int node_id) {
  return db_.Text(R"sql(
SELECT coalesce(jsonb_agg(jsonb_build_object('commandId', nullif(command_id, ''), 'mac', mac_address::text,
  'orderedAt', c.created_at, 'sentAt', sent_at, 'packets', packets, 'state', state, 'afterMs', after_ms,
  'evidence', evidence, 'methods', methods) ORDER BY w.id DESC), '[]')::text
FROM (SELECT * FROM wake_results WHERE tentacle_node_id = $1 ORDER BY id DESC LIMIT 500) AS w
LEFT JOIN outgoing_commands c ON c.node_id = $1 AND 'cmd-' || c.id = w.command_id)sql",
                  node_id);
}

}  // namespace tentacle::backend
