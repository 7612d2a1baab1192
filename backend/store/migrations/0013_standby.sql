-- The tentacle that answers a machine whose own one does not. Both have the task until one of them reports that the
-- machine boots: it is claimed then, and the other has it no longer.
ALTER TABLE provisioning_tasks
    ADD COLUMN standby_node_id INTEGER REFERENCES nodes(id) ON DELETE SET NULL,
    ADD COLUMN claimed BOOLEAN NOT NULL DEFAULT false;
CREATE INDEX provisioning_tasks_standby ON provisioning_tasks (standby_node_id) WHERE standby_node_id IS NOT NULL;
