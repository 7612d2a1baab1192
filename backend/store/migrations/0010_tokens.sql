-- An enrollment token may be for one name only, and a token of the link opens it once.
ALTER TABLE enrollment_tokens ADD COLUMN node_name TEXT NOT NULL DEFAULT '';   -- Empty: any.

CREATE TABLE link_tokens (
    sha256  TEXT PRIMARY KEY,
    used_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE INDEX link_tokens_used_at ON link_tokens (used_at);
