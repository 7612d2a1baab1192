-- Updates of tentacles themselves: what was ordered and what became of it.
CREATE TABLE tentacle_updates (
    id          SERIAL PRIMARY KEY,
    node_id     INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE,
    image_id    INTEGER REFERENCES provisioning_images(id) ON DELETE SET NULL,
    command_id  BIGINT,
    release_id  TEXT NOT NULL,
    version     BIGINT NOT NULL,
    status      TEXT NOT NULL DEFAULT 'ordered',
    reason      TEXT NOT NULL DEFAULT '',
    ended       BOOLEAN NOT NULL DEFAULT false,  -- Its first result is its result.
    created_at  TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at  TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX tentacle_updates_of_node ON tentacle_updates (node_id);
