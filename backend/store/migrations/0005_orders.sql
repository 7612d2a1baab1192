-- Jobs have a schedule and an end of patience, attempts and a state between.
ALTER TABLE jobs ADD COLUMN scheduled_at TIMESTAMPTZ;
ALTER TABLE jobs ADD COLUMN expires_at TIMESTAMPTZ;
ALTER TABLE job_instances ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job_instances ADD COLUMN stdout_bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE job_instances ADD COLUMN stderr_bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE job_instances ADD COLUMN command_id BIGINT;
CREATE INDEX job_instances_of_job ON job_instances (job_id);
CREATE INDEX job_instances_of_node ON job_instances (node_id);
