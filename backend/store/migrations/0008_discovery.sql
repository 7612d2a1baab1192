-- What discovery knows beyond address and name; its alerts; what came of waking.
ALTER TABLE network_discoveries
    ADD COLUMN state       TEXT NOT NULL DEFAULT 'online',   -- new, online, flapping, gone
    ADD COLUMN details     JSONB NOT NULL DEFAULT '{}',      -- The rest of the tentacle's report of the device.
    ADD COLUMN reported_at TIMESTAMPTZ NOT NULL DEFAULT now();

ALTER TABLE nodes
    ADD COLUMN device_revision    BIGINT,                    -- Of the device table as it stands here; null: never told.
    ADD COLUMN device_snapshot_at TIMESTAMPTZ;               -- When the first part of the last snapshot came.

-- The segment as a whole: DHCP servers, neighbours, gateways, topology. The newest report only.
CREATE TABLE network_segments (
    tentacle_node_id INTEGER PRIMARY KEY REFERENCES nodes(id) ON DELETE CASCADE,
    at               TIMESTAMPTZ NOT NULL,
    body             JSONB NOT NULL
);

CREATE TABLE network_events (
    id               BIGSERIAL PRIMARY KEY,
    tentacle_node_id INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE,
    at               TIMESTAMPTZ NOT NULL,
    kind             TEXT NOT NULL,                          -- rogue-dhcp, duplicate-address, gateway-changed, flood, ...
    body             JSONB NOT NULL
);
CREATE INDEX network_events_of ON network_events (tentacle_node_id, id DESC);

-- Who was woken, by which command, and whether it woke. The order itself is a row of outgoing_commands.
CREATE TABLE wake_results (
    id               BIGSERIAL PRIMARY KEY,
    tentacle_node_id INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE,
    command_id       TEXT NOT NULL DEFAULT '',               -- Empty: somebody at the tentacle itself.
    mac_address      MACADDR NOT NULL,
    sent_at          TIMESTAMPTZ NOT NULL DEFAULT now(),
    packets          INTEGER NOT NULL DEFAULT 0,
    state            TEXT NOT NULL DEFAULT 'sent',           -- sent, woke, silent, was-awake
    after_ms         BIGINT,
    evidence         TEXT NOT NULL DEFAULT '',
    methods          JSONB NOT NULL DEFAULT '[]'
);
CREATE INDEX wake_results_of ON wake_results (tentacle_node_id, mac_address, id DESC);
