-- The tentacle that answers a machine whose own one does not. Both have the task until one of them reports that the
-- machine boots: it is claimed then, for good, and the other has it no longer. A trigger does that, so that it also holds
-- for a backend of an older version on the same database.
ALTER TABLE provisioning_tasks
    ADD COLUMN standby_node_id INTEGER REFERENCES nodes(id) ON DELETE SET NULL,
    ADD COLUMN claimed BOOLEAN NOT NULL DEFAULT false;
CREATE INDEX provisioning_tasks_standby ON provisioning_tasks (standby_node_id) WHERE standby_node_id IS NOT NULL;

CREATE FUNCTION claim_task() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.claimed := true;
    RETURN NEW;
END $$;
CREATE TRIGGER task_begun BEFORE UPDATE ON provisioning_tasks FOR EACH ROW
    WHEN (NEW.status <> 'waiting') EXECUTE FUNCTION claim_task();
