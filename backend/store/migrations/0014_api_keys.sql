-- Keys beside the one of the file: each with a name that others read, and a role. Kept as SHA-256: a key has 256 bits
-- from the system's source, which nobody guesses.
CREATE TABLE api_keys (
    id           SERIAL PRIMARY KEY,
    name         TEXT NOT NULL,
    role         TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    key_sha256   TEXT NOT NULL UNIQUE,
    created_by   TEXT NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL DEFAULT now(),
    last_used_at TIMESTAMPTZ,
    revoked_at   TIMESTAMPTZ
);
CREATE UNIQUE INDEX api_keys_name ON api_keys (name) WHERE revoked_at IS NULL;

-- What somebody with a key has changed, or was not allowed to.
CREATE TABLE api_acts (
    id      BIGSERIAL PRIMARY KEY,
    time    TIMESTAMPTZ NOT NULL DEFAULT now(),
    name    TEXT NOT NULL,
    role    TEXT NOT NULL,
    address TEXT NOT NULL,
    method  TEXT NOT NULL,
    path    TEXT NOT NULL,
    status  INTEGER NOT NULL
);
CREATE INDEX api_acts_time ON api_acts (time);

-- Whose key asked for a shell, and whose allowed it: never the same.
ALTER TABLE shell_sessions
    ADD COLUMN asked_by    TEXT NOT NULL DEFAULT '',
    ADD COLUMN approved_by TEXT,
    ADD CONSTRAINT shell_sessions_four_eyes CHECK (approved_by <> asked_by);
