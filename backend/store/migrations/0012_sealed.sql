-- Passwords of tasks and commands, sealed by the backend (base64), for as long as they are of use.
ALTER TABLE provisioning_tasks ADD COLUMN sealed_secrets TEXT NOT NULL DEFAULT '';
ALTER TABLE outgoing_commands ADD COLUMN sealed_secrets TEXT NOT NULL DEFAULT '';

-- What is over needs none. The column `secrets` is of older versions: store/seal_plain.cc empties it.
CREATE FUNCTION forget_secrets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.sealed_secrets := '';
    RETURN NEW;
END $$;
CREATE TRIGGER task_ended BEFORE UPDATE ON provisioning_tasks FOR EACH ROW
    WHEN (NEW.status IN ('complete', 'failed', 'cancelled')) EXECUTE FUNCTION forget_secrets();
CREATE TRIGGER command_taken BEFORE UPDATE ON outgoing_commands FOR EACH ROW
    WHEN (NEW.acknowledged_at IS NOT NULL) EXECUTE FUNCTION forget_secrets();
UPDATE provisioning_tasks SET secrets = '{}' WHERE status IN ('complete', 'failed', 'cancelled');
