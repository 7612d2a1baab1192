-- Prepulls with a schedule, sites whose tentacles help each other, and what came over which line.

ALTER TABLE nodes ADD COLUMN site TEXT NOT NULL DEFAULT '';
ALTER TABLE nodes ADD COLUMN public_address TEXT NOT NULL DEFAULT '';  -- The one it connects from.
ALTER TABLE nodes ADD COLUMN peer_offer JSONB;   -- {port, addresses}: where others may fetch; null: it does not offer.
ALTER TABLE nodes ADD COLUMN image_ledger JSONB NOT NULL DEFAULT '{}';

-- What of an image went wrong on a tentacle's disk after it was whole; the tentacle fetches such chunks again.
ALTER TABLE node_image_cache ADD COLUMN wrong_chunks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_image_cache ADD COLUMN wrong_chunk_at TIMESTAMPTZ;

CREATE TABLE prepulls (
    id         SERIAL PRIMARY KEY,
    image_id   INTEGER NOT NULL REFERENCES provisioning_images(id) ON DELETE CASCADE,
    not_before TIMESTAMPTZ,
    deadline   TIMESTAMPTZ,
    windows    JSONB NOT NULL DEFAULT '[]',
    time_zone  TEXT NOT NULL DEFAULT 'UTC',
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE prepull_targets (
    prepull_id  INTEGER NOT NULL REFERENCES prepulls(id) ON DELETE CASCADE,
    node_id     INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE,
    state       TEXT NOT NULL DEFAULT 'ordered'
        CHECK (state IN ('ordered', 'waiting', 'pulling', 'done', 'failed', 'cancelled')),
    feasible    BOOLEAN,                         -- Null: nobody can say.
    expected_at TIMESTAMPTZ,
    forecast    TEXT NOT NULL DEFAULT '',
    reason      TEXT NOT NULL DEFAULT '',
    updated_at  TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (prepull_id, node_id)
);
CREATE INDEX prepull_targets_open ON prepull_targets (node_id) WHERE state IN ('ordered', 'waiting', 'pulling');
