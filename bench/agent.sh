# shellcheck shell=bash
# Area agent: what the agent costs beside Debian's node_exporter, and what it does through uplink and backend: an
# inventory, a sample, the echo of a key, 100 MB of output, 1,000 jobs over kill -9. Sourced by run.sh.
# shellcheck disable=SC2034  # AREA_PACKAGES is for run.sh.

AREA_PACKAGES='build run bench'
AGENT_WINDOW_S=${AGENT_WINDOW_S:-60}
AGENT_JOBS=${AGENT_JOBS:-1000}
AGENT_SHELL=true
# shellcheck source=tests/agent/agent_stack.sh
REPO=$BENCH_REPO BUILD_PRESET=release . "$BENCH_REPO/tests/agent/agent_stack.sh"
BACKEND=$BACKEND_BIN
TENTACLE=$TENTACLE_BIN

area_measure() {
  local run
  bench_build || return 1
  agent_peer_there || return 1
  trap 'BENCH_CODE=$?; agent_peer_stop; agent_stack_down; bench_end "$BENCH_CODE"' EXIT
  progress 'database, backend, uplink, agent'
  agent_stack_up "$BENCH_DIR/stack" || return 1
  AGENT_PORT=$(sed -n '/^agent:/,$s/.*admin_listen: 127.0.0.1:\([0-9]*\).*/\1/p' "$AGENT_DIR/state/config.yaml" | head -n 1)
  for run in $(seq 1 "$BENCH_RUNS"); do
    progress "run $run of $BENCH_RUNS: idle $AGENT_WINDOW_S s beside node_exporter, then work"
    agent_idle || return 1
    for what in inventory sample echo output; do
      agent_take "$what" || return 1
    done
  done
  progress "$AGENT_JOBS jobs, the agent killed every hundred"
  agent_killed || return 1
  agent_table && agent_figures
}

agent_peer_there() {
  command -v prometheus-node-exporter >/dev/null ||
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q -o DPkg::Lock::Timeout=300 \
      --no-install-recommends prometheus-node-exporter >>"$BENCH_DIR/peer.log" 2>&1
  command -v prometheus-node-exporter >/dev/null
}

agent_take() {
  local name value
  python3 "$BENCH_REPO/bench/agent_measure.py" "$1" "$BASE" "$KEY_FILE" "$NODE" "${AGENT_PIDS[agent]}" "$AGENT_PORT" \
    >"$BENCH_DIR/taken" || return 1
  while read -r name value; do sample "$name" "$value"; done <"$BENCH_DIR/taken"
}

# Both are asked every 15 s, as Prometheus does.
agent_idle() {
  local began seconds ours theirs
  PEER_PORT=$(free_port)
  prometheus-node-exporter --web.listen-address="127.0.0.1:$PEER_PORT" >>"$BENCH_DIR/peer.log" 2>&1 &
  PEER_PID=$!
  wait_for 20 curl -sf "http://127.0.0.1:$PEER_PORT/metrics" || return 1
  curl -sf "http://127.0.0.1:$AGENT_PORT/metrics" >/dev/null || return 1
  # The services' own interval is the usual one again while nothing else is asked of them.
  began=$(uptime_s)
  ours=$(cpu_ticks "${AGENT_PIDS[agent]}")
  theirs=$(cpu_ticks "$PEER_PID")
  for _ in $(seq $((AGENT_WINDOW_S / 15))); do
    pause 15
    curl -sf "http://127.0.0.1:$PEER_PORT/metrics" >/dev/null
    curl -sf "http://127.0.0.1:$AGENT_PORT/metrics" >/dev/null
  done
  seconds=$(awk -v from="$began" -v to="$(uptime_s)" 'BEGIN { print to - from }')
  sample cpu_idle "$(cpu_percent $(($(cpu_ticks "${AGENT_PIDS[agent]}") - ours)) "$seconds")"
  sample cpu_node_exporter "$(cpu_percent $(($(cpu_ticks "$PEER_PID") - theirs)) "$seconds")"
  sample rss_agent "$(memory_mib "${AGENT_PIDS[agent]}" Rss)"
  sample rss_node_exporter "$(memory_mib "$PEER_PID" Rss)"
  agent_peer_stop
}

agent_peer_stop() {
  [ -n "${PEER_PID-}" ] || return 0
  kill "$PEER_PID" 2>/dev/null
  wait "$PEER_PID" 2>/dev/null
  PEER_PID=
}

# Every job appends to a file of its own.
agent_killed() {
  local i script
  mkdir -p "$AGENT_DIR/ran"
  script="echo x >>$AGENT_DIR/ran/\$TENTACLE_JOB_ID"
  agent_stop agent
  for i in $(seq "$AGENT_JOBS"); do
    agent_api POST /api/v1/jobs "$(jq -n --arg node "$NODE" --arg script "$script" '{targetType: "device", targetId: $node,
      commandType: "script", commandData: {script: $script}}')" >/dev/null || return 1
  done
  while [ "$(agent_open_jobs)" != 0 ]; do
    agent_start_service agent
    pause 3
    agent_stop agent KILL
    [ "$(agent_open_jobs)" -lt "$AGENT_JOBS" ] || [ $((++idle_rounds)) -lt 20 ] || return 1
  done
  agent_start_service agent
  sample jobs_twice "$(find "$AGENT_DIR/ran" -type f -size +2c | wc -l)"
  sample jobs_without_result "$(agent_open_jobs)"
  sample jobs_interrupted "$(psql -qtA "$POSTGRES_URL" -c "SELECT count(*) FROM job_instances WHERE status = 'interrupted'")"
  sample jobs_succeeded_unrun "$(comm -23 \
    <(psql -qtA "$POSTGRES_URL" -c "SELECT 'job-' || i.id FROM job_instances i JOIN jobs j ON j.id = job_id
      WHERE i.status = 'succeeded' AND j.command_data->>'script' LIKE 'echo x >>%'" | sort) \
    <(find "$AGENT_DIR/ran" -type f -printf '%f\n' | sort) | wc -l)"
}

agent_open_jobs() {
  psql -qtA "$POSTGRES_URL" -c "SELECT count(*) FROM job_instances WHERE success IS NULL"
}

agent_table() {
  machine_line
  table_head 'agent: on loopback, through uplink and backend'
  row 'CPU, idle, scraped every 15 s' cpu_idle '% of a core'
  row 'CPU, prometheus-node-exporter' cpu_node_exporter '% of a core'
  row 'RSS' rss_agent MiB
  row 'RSS, prometheus-node-exporter' rss_node_exporter MiB
  row 'full inventory, all collectors' inventory ms
  row 'memory beyond what is there, inventory' inventory_memory MiB
  row 'sample of the metrics' sample ms
  row 'echo of a key, median' echo_median ms
  row 'echo of a key, p95' echo_p95 ms
  row '100 MB of output: memory beyond' output_memory MiB
  row '100 MB of output' output_time s
  row "jobs run twice, of $AGENT_JOBS" jobs_twice jobs
  row 'jobs without a result' jobs_without_result jobs
  row 'jobs that succeeded and did not run' jobs_succeeded_unrun jobs
  row 'jobs reported as interrupted' jobs_interrupted jobs
}

agent_figures() {
  figure cpu_idle percent '<' 0.5
  figure inventory ms '<' 2000
  figure inventory_memory MiB '<' 20
  figure sample ms '<' 5
  figure echo_p95 ms '<' 30
  figure output_memory MiB '<=' 8
  figure jobs_twice jobs '<=' 0
  figure jobs_without_result jobs '<=' 0
  figure jobs_succeeded_unrun jobs '<=' 0
  figures_print
}
