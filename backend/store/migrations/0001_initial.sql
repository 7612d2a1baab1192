-- The data model of the product specification, and what the wire needs beside it.

CREATE TABLE nodes (
    id              SERIAL PRIMARY KEY,
    name            TEXT NOT NULL,
    hostname        TEXT NOT NULL,
    machine_id      TEXT NOT NULL DEFAULT '',
    public_key      TEXT UNIQUE,                 -- Raw Ed25519, base64.
    os              TEXT NOT NULL DEFAULT '',
    arch            TEXT NOT NULL DEFAULT '',
    version         TEXT NOT NULL DEFAULT '',
    network         JSONB NOT NULL DEFAULT '{}',
    is_tentacle     BOOLEAN NOT NULL DEFAULT false,
    tentacle_config JSONB NOT NULL DEFAULT '{}',
    config_revision BIGINT NOT NULL DEFAULT 0,
    task_revision   BIGINT NOT NULL DEFAULT 0,
    online          BOOLEAN NOT NULL DEFAULT false,
    online_since    TIMESTAMPTZ NOT NULL DEFAULT now(),
    reason          TEXT NOT NULL DEFAULT 'never connected',
    last_seen       TIMESTAMPTZ,
    latency_ms      DOUBLE PRECISION,
    cpu_percent     DOUBLE PRECISION,
    memory_percent  DOUBLE PRECISION,
    created_at      TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE enrollment_tokens (
    id           SERIAL PRIMARY KEY,
    token_sha256 TEXT NOT NULL UNIQUE,
    token_prefix TEXT NOT NULL,                  -- The first 8 characters, for people.
    description  TEXT NOT NULL DEFAULT '',
    created_by   TEXT NOT NULL DEFAULT '',
    uses         INTEGER NOT NULL DEFAULT 0,
    max_uses     INTEGER NOT NULL,
    expires_at   TIMESTAMPTZ NOT NULL,
    revoked      BOOLEAN NOT NULL DEFAULT false,
    created_at   TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE provisioning_images (
    id                  SERIAL PRIMARY KEY,
    name                TEXT NOT NULL UNIQUE,
    display_name        TEXT NOT NULL,
    path                TEXT NOT NULL,           -- Relative to the image folder.
    os_type             TEXT NOT NULL,
    os_version          TEXT NOT NULL DEFAULT '',
    architecture        TEXT NOT NULL DEFAULT 'x86_64',
    format              TEXT NOT NULL DEFAULT '',
    size_bytes          BIGINT NOT NULL DEFAULT 0,
    unpacked_size_bytes BIGINT NOT NULL DEFAULT 0,
    sha256              TEXT NOT NULL DEFAULT '',
    state               TEXT NOT NULL DEFAULT 'hashing' CHECK (state IN ('hashing', 'ready', 'failed')),
    reason              TEXT NOT NULL DEFAULT '',
    created_at          TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE provisioning_tasks (
    id                    SERIAL PRIMARY KEY,
    mac_address           MACADDR NOT NULL,
    tentacle_node_id      INTEGER REFERENCES nodes(id) ON DELETE SET NULL,
    image_id              INTEGER REFERENCES provisioning_images(id),
    document              JSONB NOT NULL,        -- The task as ordered, without its secrets.
    secrets               JSONB NOT NULL DEFAULT '{}',
    callback_token_sha256 TEXT NOT NULL,
    status                TEXT NOT NULL DEFAULT 'waiting'
        CHECK (status IN ('waiting', 'booting', 'installing', 'complete', 'failed', 'cancelled')),
    stage                 TEXT NOT NULL DEFAULT '',
    message               TEXT NOT NULL DEFAULT '',
    progress              INTEGER NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
    reported_at           TIMESTAMPTZ,           -- The tentacle's own time of its last report.
    created_at            TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at            TIMESTAMPTZ NOT NULL DEFAULT now(),
    started_at            TIMESTAMPTZ,
    completed_at          TIMESTAMPTZ
);
-- One open task per machine.
CREATE UNIQUE INDEX provisioning_tasks_open_mac ON provisioning_tasks (mac_address)
    WHERE status IN ('waiting', 'booting', 'installing');
CREATE INDEX provisioning_tasks_tentacle ON provisioning_tasks (tentacle_node_id, status);

CREATE TABLE task_timeline (
    id      BIGSERIAL PRIMARY KEY,
    task_id INTEGER NOT NULL REFERENCES provisioning_tasks(id) ON DELETE CASCADE,
    at      TIMESTAMPTZ NOT NULL,
    step    TEXT NOT NULL,
    detail  TEXT NOT NULL DEFAULT ''
);
CREATE INDEX task_timeline_task ON task_timeline (task_id, at);

CREATE TABLE node_image_cache (
    node_id       INTEGER REFERENCES nodes(id) ON DELETE CASCADE,
    image_id      INTEGER REFERENCES provisioning_images(id) ON DELETE CASCADE,
    cached_at     TIMESTAMPTZ,                   -- Null until the image is whole and verified.
    size_bytes    BIGINT NOT NULL DEFAULT 0,
    present_bytes BIGINT NOT NULL DEFAULT 0,
    state         TEXT NOT NULL DEFAULT '',
    reason        TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (node_id, image_id)
);

CREATE TABLE network_discoveries (
    id               SERIAL PRIMARY KEY,
    tentacle_node_id INTEGER REFERENCES nodes(id) ON DELETE CASCADE,
    mac_address      MACADDR NOT NULL,
    ip_address       INET,
    hostname         TEXT NOT NULL DEFAULT '',
    vendor           TEXT NOT NULL DEFAULT '',
    open_ports       INTEGER[] NOT NULL DEFAULT '{}',
    first_seen       TIMESTAMPTZ DEFAULT now(),
    last_seen        TIMESTAMPTZ DEFAULT now(),
    is_managed       BOOLEAN NOT NULL DEFAULT false,
    managed_node_id  INTEGER REFERENCES nodes(id) ON DELETE SET NULL,
    UNIQUE (tentacle_node_id, mac_address)
);

CREATE TABLE boot_attempts (
    id      BIGSERIAL PRIMARY KEY,
    node_id INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE,
    at      TIMESTAMPTZ NOT NULL,
    mac     MACADDR NOT NULL,
    body    JSONB NOT NULL
);

CREATE TABLE jobs (
    id              SERIAL PRIMARY KEY,
    command_type    TEXT NOT NULL,
    command_data    JSONB NOT NULL,
    timeout_seconds INTEGER NOT NULL,
    created_at      TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE job_instances (
    id            SERIAL PRIMARY KEY,
    job_id        INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
    node_id       INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE,
    status        TEXT NOT NULL DEFAULT 'pending',
    success       BOOLEAN,
    exit_code     INTEGER,
    stdout        TEXT NOT NULL DEFAULT '',
    stderr        TEXT NOT NULL DEFAULT '',
    error_message TEXT NOT NULL DEFAULT '',
    duration_ms   BIGINT,
    updated_at    TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE node_inventory (
    node_id      INTEGER PRIMARY KEY REFERENCES nodes(id) ON DELETE CASCADE,
    collected_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    body         JSONB NOT NULL
);

CREATE TABLE node_metrics (
    node_id INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE,
    at      TIMESTAMPTZ NOT NULL,
    body    JSONB NOT NULL,
    PRIMARY KEY (node_id, at)
);

-- Ids of messages that have been applied, so that a repeat is acknowledged and nothing more.
CREATE TABLE received_messages (
    node_id    INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE,
    message_id TEXT NOT NULL,
    at         TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (node_id, message_id)
);

-- Commands for tentacles, held until acknowledged.
CREATE TABLE outgoing_commands (
    id              BIGSERIAL PRIMARY KEY,
    node_id         INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE,
    type            TEXT NOT NULL,
    body            JSONB NOT NULL,
    created_at      TIMESTAMPTZ NOT NULL DEFAULT now(),
    acknowledged_at TIMESTAMPTZ
);
CREATE INDEX outgoing_commands_open ON outgoing_commands (node_id) WHERE acknowledged_at IS NULL;
