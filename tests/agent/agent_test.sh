#!/bin/bash
# The agent through uplink and backend: jobs, shells, and what survives kill -9.
#
#   tests/agent/agent_test.sh
#
# Prints "ok - ..." or "not ok - ..." for each check. The programs are those of BUILD_PRESET (dev unless set). Needs root.
set -uo pipefail

REPO=$(cd "$(dirname "$0")/../.." && pwd)
for part in scripts/lib/say scripts/lib/postgres tests/support/is tests/agent/agent_stack; do
  # shellcheck disable=SC1090  # The list above.
  . "$REPO/$part.sh"
done
TEMP=$(mktemp -d /tmp/tentacle-test.XXXXXX)
KILL_JOBS=${KILL_JOBS:-24}

main() {
  trap clean_up EXIT
  agent_stack_up "$TEMP" || {
    tail -n 20 "$TEMP"/*.log
    exit 1
  }
  checks forbidden
  checks jobs
  no_trace_of_secrets
  forged
  killed
  allow_shells
  checks shells "agent=${AGENT_PIDS[agent]}" "uplink=${AGENT_PIDS[uplink]}" "backend=${AGENT_PIDS[backend]}"
  [ "$FAILED" = 0 ] || tail -n 15 "$TEMP"/{agent,uplink,backend}.log
  [ "$FAILED" = 0 ]
  exit $?
}

clean_up() {
  agent_stack_down
  rm -rf "$TEMP"
}

# checks PART [WORDS...]
checks() {
  # Sanitizers hold what was freed back: 256 MiB by default.
  RSS_BOUND_KIB=${RSS_BOUND_KIB:-262144} python3 "$REPO/tests/agent/checks.py" "$BASE" "$KEY_FILE" "$NODE" "$@" || FAILED=1
}

# K5: a job's credentials are nowhere once it has run.
no_trace_of_secrets() {
  local marker
  marker=$(sed -n 's/^MARKER = "\(.*\)"/\1/p' "$REPO/tests/agent/checks.py")
  is 'a secret of a job is in no file of the tentacle and in no log' '' "$(grep -rla "$marker" "$TEMP" --exclude-dir=postgres)"
  is 'and nowhere in the database' 0 "$(pg_dump --data-only "$POSTGRES_URL" | grep -c "$marker")"
}

# An order that was altered between the backend's hand and the wire.
forged() {
  local answer job
  agent_stop uplink
  answer=$(agent_api POST /api/v1/jobs "{\"targetType\":\"device\",\"targetId\":\"$NODE\",\"commandType\":\"script\",\"commandData\":{\"script\":\"echo good\"}}")
  job=$(jq -r .id <<<"$answer")
  psql -qtA "$POSTGRES_URL" -c "UPDATE outgoing_commands SET body = replace(body::text, 'echo good', 'touch $TEMP/pwned')::jsonb
    WHERE acknowledged_at IS NULL" >/dev/null
  agent_start_service uplink
  checks forged "$job" "$(jq -r '.instances[0].id' <<<"$answer")"
  is 'and not carried out' no "$([ -e "$TEMP/pwned" ] && echo yes || echo no)"
}

# Many jobs, and the agent killed in the middle again and again: each runs once or is reported as interrupted.
killed() {
  local i
  mkdir -p "$TEMP/ran"
  for i in $(seq 1 "$KILL_JOBS"); do
    agent_api POST /api/v1/jobs "{\"targetType\":\"device\",\"targetId\":\"$NODE\",\"commandType\":\"script\",\"commandData\":{\"script\":\"echo x >>$TEMP/ran/\$TENTACLE_JOB_ID; sleep 0.05\"}}" >/dev/null
    if [ $((i % 8)) = 0 ]; then
      agent_stop agent KILL
      agent_start_service agent
    fi
  done
  wait_for 120 all_ended
  is 'no job was run twice over kill -9' 0 "$(find "$TEMP/ran" -type f -size +2c | wc -l)"
  is 'every job has its result' 0 "$(psql -qtA "$POSTGRES_URL" -c "SELECT count(*) FROM job_instances WHERE success IS NULL")"
  # One that succeeded has run; one that was interrupted may have.
  is 'what succeeded has run' 0 "$(comm -23 \
    <(psql -qtA "$POSTGRES_URL" -c "SELECT 'job-' || i.id FROM job_instances i JOIN jobs j ON j.id = job_id
        WHERE i.status = 'succeeded' AND j.command_data->>'script' LIKE 'echo x >>%'" | sort) \
    <(find "$TEMP/ran" -type f -printf '%f\n' | sort) | wc -l)"
}

all_ended() { [ "$(psql -qtA "$POSTGRES_URL" -c "SELECT count(*) FROM job_instances WHERE success IS NULL")" = 0 ]; }

# The owner of the host changes his mind; the services read config.yaml while they run.
allow_shells() {
  sed -i 's/shell_enabled: false/shell_enabled: true/' "$AGENT_DIR/state/config.yaml"
  kill -TERM "${AGENT_PIDS[agent]}"
  # Uplink listens for 20 s; whoever supervises the agent waits for 15.
  is 'the agent ends when it is told to, though uplink waits for it to say something' yes \
    "$(wait_for 8 grep -q '"event":"service.stopped".*"in_order":true' "$TEMP/agent.log" && echo yes || echo no)"
  agent_stop agent
  # What the backend says of it is true again only after it has heard of both.
  wait_for 60 agent_is_down
  agent_start_service agent
  wait_for 60 agent_is_up
}

agent_is_down() { ! agent_is_up; }

agent_is_up() { agent_api GET "/api/v1/tentacles/$NODE" | jq -e '.services[] | select(.name == "agent" and .up)'; }

main
