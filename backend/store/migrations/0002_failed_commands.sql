-- A command that a tentacle will not carry out, and why.
ALTER TABLE outgoing_commands ADD COLUMN failed_at TIMESTAMPTZ;
ALTER TABLE outgoing_commands ADD COLUMN reason TEXT NOT NULL DEFAULT '';
CREATE INDEX outgoing_commands_latest ON outgoing_commands (node_id, type, id);
