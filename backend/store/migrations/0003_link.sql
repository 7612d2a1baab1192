-- Who holds a tentacle's connection, what its line is like, and how long a command waits for it.
ALTER TABLE nodes ADD COLUMN replica TEXT NOT NULL DEFAULT '';   -- The backend that holds, or held, its connection.
ALTER TABLE nodes ADD COLUMN instance TEXT NOT NULL DEFAULT '';  -- The process behind it: <boot>.<process>.
ALTER TABLE nodes ADD COLUMN clone JSONB;                        -- Another that has the same key: a probable clone.
ALTER TABLE nodes ADD COLUMN link JSONB NOT NULL DEFAULT '{}';
ALTER TABLE nodes ADD COLUMN services JSONB;
ALTER TABLE nodes ADD COLUMN config_result JSONB;
CREATE INDEX nodes_held ON nodes (replica) WHERE online;

-- The backends on this database.
CREATE TABLE replicas (
    id         TEXT PRIMARY KEY,
    started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    seen_at    TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- A removed tentacle that was away is told so when it comes.
CREATE TABLE removed_nodes (
    id         INTEGER PRIMARY KEY,
    public_key TEXT NOT NULL,
    removed_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

ALTER TABLE outgoing_commands ADD COLUMN expires_at TIMESTAMPTZ NOT NULL DEFAULT now() + interval '1 hour';
CREATE INDEX outgoing_commands_expiry ON outgoing_commands (expires_at) WHERE acknowledged_at IS NULL;

-- How far each lane of events (<service>/<epoch>) has been applied: one row a lane instead of one an event.
CREATE TABLE event_cursors (
    node_id INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE,
    lane    TEXT NOT NULL,
    last    BIGINT NOT NULL,
    PRIMARY KEY (node_id, lane)
);
INSERT INTO event_cursors (node_id, lane, last)
SELECT node_id, substring(message_id FROM '^(.*)/[0-9]+$'), max(substring(message_id FROM '[0-9]+$')::bigint)
FROM received_messages WHERE message_id ~ '^[^/]+/[^/]+/[0-9]{1,18}$' GROUP BY 1, 2;
DELETE FROM received_messages WHERE message_id ~ '^[^/]+/[^/]+/[0-9]{1,18}$';
