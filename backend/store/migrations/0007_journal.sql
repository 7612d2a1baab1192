-- Lines of the nodes' journals. A line is its cursor: one that comes twice is there once.
CREATE TABLE node_journal (
    node_id    INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE,
    cursor     TEXT NOT NULL,
    at         TIMESTAMPTZ NOT NULL,
    priority   SMALLINT NOT NULL,
    unit       TEXT NOT NULL,
    identifier TEXT NOT NULL,
    pid        BIGINT NOT NULL,
    message    TEXT NOT NULL,
    PRIMARY KEY (node_id, cursor)
);
CREATE INDEX node_journal_by_time ON node_journal (node_id, at DESC);
-- Watched units that are not, or were not, as they should be.
CREATE TABLE node_units (
    node_id  INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE,
    unit     TEXT NOT NULL,
    state    TEXT NOT NULL,
    expected BOOLEAN NOT NULL,
    at       TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (node_id, unit)
);
