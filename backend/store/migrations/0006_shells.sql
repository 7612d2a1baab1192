-- Remote shells: who, where, why, when, and what was to be seen (asciicast v2, in chunks whose digests chain).
CREATE TABLE shell_sessions (
    id          TEXT PRIMARY KEY,
    node_id     INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE,
    user_name   TEXT NOT NULL,
    opened_by   TEXT NOT NULL,
    reason      TEXT NOT NULL,
    state       TEXT NOT NULL DEFAULT 'asked',
    created_at  TIMESTAMPTZ NOT NULL DEFAULT now(),
    started_at  TIMESTAMPTZ,
    ended_at    TIMESTAMPTZ,
    end_reason  TEXT NOT NULL DEFAULT '',
    exit_code   INTEGER,
    chunks      INTEGER,
    sha256      TEXT NOT NULL DEFAULT ''
);
CREATE INDEX shell_sessions_of_node ON shell_sessions (node_id, created_at);
CREATE TABLE shell_recordings (
    session_id TEXT NOT NULL REFERENCES shell_sessions(id) ON DELETE CASCADE,
    index      INTEGER NOT NULL,
    previous   TEXT NOT NULL,
    sha256     TEXT NOT NULL,
    data       TEXT NOT NULL,
    PRIMARY KEY (session_id, index)
);
