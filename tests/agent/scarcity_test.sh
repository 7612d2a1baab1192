#!/bin/bash
# Bar Q3: the agent while its host has little left (descriptors, memory, processor), and over many restarts; afterwards
# all is as before.
#
#   tests/agent/scarcity_test.sh
#
# SCARCE_RESTARTS=1000 is the whole bar (20 unless set). Prints "ok - ..." or "not ok - ..." for each check. Needs root.
set -uo pipefail

REPO=$(cd "$(dirname "$0")/../.." && pwd)
for part in scripts/lib/say scripts/lib/postgres tests/support/is tests/agent/agent_stack; do
  # shellcheck disable=SC1090  # The list above.
  . "$REPO/$part.sh"
done
TEMP=$(mktemp -d /tmp/tentacle-test.XXXXXX)
SCARCE_RESTARTS=${SCARCE_RESTARTS:-20}
GROUP=/sys/fs/cgroup/memory/tentacle-scarcity-$$
BUSY=()

main() {
  trap clean_up EXIT
  agent_stack_up "$TEMP" || {
    tail -n 20 "$TEMP"/*.log
    exit 1
  }
  ADMIN=$(sed -n '/^agent:/,$s/.*admin_listen: //p' "$AGENT_DIR/state/config.yaml" | head -n 1)
  no_descriptors
  no_memory
  no_processor
  restarts
  [ "$FAILED" = 0 ] || tail -n 15 "$TEMP"/{agent,uplink,backend}.log
  [ "$FAILED" = 0 ]
  exit $?
}

# shellcheck disable=SC2317  # Called by the trap.
clean_up() {
  # A child of bash that is ended before it has become the program runs this, too.
  [ "$BASHPID" = $$ ] || return
  [ ${#BUSY[@]} = 0 ] || kill "${BUSY[@]}" 2>/dev/null
  agent_stack_down
  [ ! -d "$GROUP" ] || find "$GROUP" -depth -type d -exec rmdir {} +   # With the one for jobs, of an agent that was ended.
  rm -rf "$TEMP"
}

# job SCRIPT: its number.
job() {
  agent_api POST /api/v1/jobs "$(jq -n --arg node "$NODE" --arg script "$1" '{targetType: "device", targetId: $node,
    commandType: "script", commandData: {script: $script}}')" | jq -r .id
}

job_ended() { agent_api GET "/api/v1/jobs/$1" | jq -e '.instances[0].success != null'; }

# result JOB: once it has ended; "status output".
result() {
  wait_for 60 job_ended "$1" >/dev/null
  agent_api GET "/api/v1/jobs/$1" | jq -r '.instances[0] | "\(.status) \(.stdout)"'
}

ready() { curl -sf --max-time 5 "http://$ADMIN/readyz"; }

# works WHAT: as if nothing had been.
works() {
  is "$1: the agent is ready" yes "$(wait_for 60 ready >/dev/null && echo yes || echo no)"
  is "$1: a job runs" 'succeeded still here' "$(result "$(job 'echo still here')")"
}

descriptors() { find "/proc/${AGENT_PIDS[agent]}/fd" -mindepth 1 | wc -l; }

no_descriptors() {
  local pid=${AGENT_PIDS[agent]} before answered=0 one jobs=()
  works 'before'
  before=$(descriptors)
  # None is left: whatever has to be opened now cannot be.
  prlimit --pid "$pid" --nofile="$before:4096"
  for _ in 1 2 3 4 5; do jobs+=("$(job 'echo ran')"); done
  curl -s --max-time 2 "http://$ADMIN/metrics" >/dev/null
  agent_api POST /api/v1/jobs "{\"targetType\":\"device\",\"targetId\":\"$NODE\",\"commandType\":\"inventory\",\"commandData\":{}}" >/dev/null
  # Each of them fails with a sentence, or waits and runs later.
  wait_for 5 job_ended "${jobs[4]}" >/dev/null
  prlimit --pid "$pid" --nofile=1024:4096
  for one in "${jobs[@]}"; do
    case $(result "$one") in
      'succeeded ran' | failed*) answered=$((answered + 1)) ;;
    esac
  done
  is 'without a descriptor: every job is answered' 5 "$answered"
  works 'with descriptors again'
  is 'and it is the process that it was' "$pid" "$(pgrep -P $$ -f 'octofleet-tentacle agent$')"
  is 'no descriptor is lost' yes "$(wait_for 20 few_descriptors "$before" && echo yes || echo "$(descriptors) of $before")"
}

# A connection or a look around may be under way.
few_descriptors() { [ "$(descriptors)" -le $(($1 + 4)) ]; }

# In a group of its own that has hardly more than the agent uses; the kernel ends what does not fit.
no_memory() {
  local pid=${AGENT_PIDS[agent]} used
  mkdir "$GROUP" 2>/dev/null || {
    echo '# this host has no control groups of version 1: with little memory the agent was not looked at'
    return
  }
  echo "$pid" >"$GROUP/cgroup.procs"
  used=$(awk '$1 == "RssAnon:" { print $2 }' "/proc/$pid/status")
  echo $(((used + 8192) * 1024)) >"$GROUP/memory.limit_in_bytes"
  is 'with 8 MiB left: 100 MB of output are as good as ever' succeeded \
    "$(result "$(job 'head -c 100000000 /dev/zero | tr "\0" x')" | cut -c 1-9)"
  is 'and the agent is the process that it was' "$pid" "$(pgrep -P $$ -f 'octofleet-tentacle agent$')"
  # Nothing at all: ended by the kernel, and started anew by who supervises it.
  echo 4M >"$GROUP/memory.limit_in_bytes" 2>/dev/null || agent_stop agent KILL
  if kill -0 "$pid" 2>/dev/null; then agent_stop agent KILL; else agent_stop agent; fi
  agent_start_service agent
  works 'after it was ended for its memory'
}

no_processor() {
  for _ in $(seq $(($(nproc) * 4))); do
    sha256sum /dev/zero &
    BUSY+=($!)
  done
  is 'beside four busy programs a processor: a job runs' 'succeeded in time' "$(result "$(job 'echo in time')")"
  is 'and the agent stays ready' yes "$(ready >/dev/null && echo yes || echo no)"
  kill "${BUSY[@]}"
  wait "${BUSY[@]}" 2>/dev/null
  BUSY=()
  works 'alone again'
}

agent_runs() { [ "$(cat "/proc/${AGENT_PIDS[agent]}/comm")" = octofleet-tenta ]; }

restarts() {
  local i last size
  size=$(du -sk "$AGENT_DIR/state/agent" | cut -f 1)
  last=$(job 'sleep 0.5; echo last')
  for i in $(seq "$SCARCE_RESTARTS"); do
    # In the middle of its start.
    wait_for 10 agent_runs >/dev/null || break
    agent_stop agent "$([ $((i % 2)) = 0 ] && echo KILL || echo TERM)"
    agent_start_service agent
    if [ $((i % 10)) = 0 ]; then wait_for 60 ready >/dev/null || break; fi
  done
  is "$SCARCE_RESTARTS restarts: all of them" "$SCARCE_RESTARTS" "$i"
  works 'after that'
  is 'a job of before has one result' 1 "$(psql -qtA "$POSTGRES_URL" -c "SELECT count(*) FROM job_instances WHERE job_id = '$last' AND success IS NOT NULL")"
  is 'its store has not grown by 32 MiB' yes "$([ $(($(du -sk "$AGENT_DIR/state/agent" | cut -f 1) - size)) -lt 32768 ] && echo yes || echo no)"
  is 'no process of it is left' 1 "$(pgrep -c -P $$ -f 'octofleet-tentacle agent$')"
}

main "$@"
