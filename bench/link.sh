# shellcheck shell=bash
# Area link: what the line between tentacle and backend promises. Sourced by run.sh.
# shellcheck disable=SC2034  # AREA_PACKAGES is for run.sh.

AREA_PACKAGES='build run bench'
# Each part takes about five minutes; any of them can be run alone.
LINK_PARTS=${LINK_PARTS:-events latency route swarm storm idle}
LINK_SEEDS=${LINK_SEEDS:-1 2 3}       # events: a run each
LINK_TENTACLES=${LINK_TENTACLES:-5000}
LINK_WINDOW_S=${LINK_WINDOW_S:-60}    # swarm, idle: seconds that are watched; a heartbeat of each falls into it
LINK_SETTLE_S=${LINK_SETTLE_S:-20}    # idle: after the start
LINK_BACKEND_PID=
LINK_SWARM_PID=

area_measure() {
  local part
  bench_build bare_grpc link_swarm link_route || return 1
  if [ "$BENCH_BUILD" = yes ]; then
    cmake --build --preset release --target torture_source >>"$BENCH_DIR/build.log" 2>&1 || return 1
  fi
  # The area's own trap comes first: setup.sh's takes down what it knows of.
  trap 'BENCH_CODE=$?; link_stop; bench_end "$BENCH_CODE"' EXIT
  machine_line
  for part in $LINK_PARTS; do
    "link_$part" || return 1
  done
  figures_print
}

link_stop() {
  local pid
  for pid in $LINK_SWARM_PID $LINK_BACKEND_PID; do kill -KILL "$pid" 2>/dev/null; done
  LINK_SWARM_PID='' LINK_BACKEND_PID=''
  postgres_remove
}

# Events through kills, cuts, pauses and full disks (tests/torture), counted in PostgreSQL.
link_events() {
  local seed log
  for seed in $LINK_SEEDS; do
    progress "events: 100,000 through faults, seed $seed"
    log=$BENCH_DIR/torture-$seed.log
    BUILD_PRESET=release "$BENCH_REPO/tests/torture/torture.sh" figure "$seed" >"$log" 2>&1
    grep -E '^(ok|not ok)|% of it disconnected' "$log"
    grep -q 'everything is confirmed' "$log" || return 1
    sample events_lost "$(sed -n 's/.* events, \([0-9]*\) lost.*/\1/p' "$log")"
    sample events_doubled "$(sed -n 's/.*ok - \([0-9]*\) doubled.*/\1/p' "$log")"
    sample events_disordered "$(sed -n 's/.*source (\([0-9]*\) out of place.*/\1/p' "$log")"
    sample events_faults "$(sed -n 's/.*; \([0-9]*\) faults.*/\1/p' "$log")"
    sample events_disconnected "$(sed -n 's/.* faults, \([0-9]*\) % of it disconnected.*/\1/p' "$log")"
    sample events_rate "$(sed -n 's/.*(\([0-9]*\) events a second).*/\1/p' "$log")"
  done
  table_head 'events: 100,000 through kill -9, cuts, pauses, full disks'
  row 'lost' events_lost events
  row 'doubled' events_doubled events
  row 'out of order within a task' events_disordered events
  row 'faults' events_faults faults
  row 'of the time disconnected' events_disconnected percent
  row 'stored a second, all in all' events_rate events/s
  figure events_lost events '<=' 0
  figure events_doubled events '<=' 0
  figure events_disordered events '<=' 0
  figure events_disconnected percent '>=' 30
}

# From the service's event to the commit, on a quiet link.
link_latency() {
  local run words
  for run in $(seq 1 "$BENCH_RUNS"); do
    progress "latency: event to commit, run $run of $BENCH_RUNS"
    mkdir -p "$BENCH_DIR/latency-$run"
    POSTGRES_OPTIONS='-c fsync=on -c track_commit_timestamp=on' postgres_start "$BENCH_DIR/latency-$run/postgres" || return 1
    words=$(python3 "$BENCH_REPO/bench/link_latency.py" --folder "$BENCH_DIR/latency-$run" --database "$POSTGRES_URL" \
      --tentacle "$TENTACLE_BIN" --backend "$BACKEND_BIN" \
      --source "$BENCH_REPO/build/release/tests/torture/torture_source" | grep '^latency') || return 1
    postgres_remove
    read -r _ p50 p99 max _ <<<"$words"
    sample commit_p50 "$p50"
    sample commit_p99 "$p99"
    sample commit_max "$max"
  done
  table_head 'event to commit in PostgreSQL, 1,000 events at 40/s'
  row 'median' commit_p50 ms
  row '99 %' commit_p99 ms
  row 'slowest' commit_max ms
  figure commit_p99 ms '<' 50
}

# From a frame of the backend to the handler of its service.
link_route() {
  local run name p50 p99 max
  for run in $(seq 1 "$BENCH_RUNS"); do
    progress "route: a command through uplink, run $run of $BENCH_RUNS"
    "$BENCH_BIN_DIR/link_route" "$TENTACLE_BIN" 1000 >"$BENCH_DIR/route" 2>>"$BENCH_DIR/route.log" || return 1
    while read -r name p50 p99 max; do
      case $name in route | call | sync) ;; *) continue ;; esac
      sample "${name}_p50" "$p50"
      sample "${name}_p99" "$p99"
      sample "${name}_max" "$max"
    done <"$BENCH_DIR/route"
  done
  table_head 'a command through uplink, 1,000 at 100/s'
  row 'frame to handler, median' route_p50 ms
  row 'frame to handler, 99 %' route_p99 ms
  row 'frame to handler, slowest' route_max ms
  row 'the bare gRPC call, 99 %' call_p99 ms
  row 'a synced write of the store, 99 %' sync_p99 ms
  figure route_p99 ms '<' 5
}

# Thousands of tentacles on one backend, and its restart.
link_swarm() {
  link_swarm_up || return 1
  local before after ticks began seconds
  before=$(memory_mib "$LINK_BACKEND_PID" Rss)
  link_swarm_start || return 1
  sample connect_s "$(awk -v all="$LINK_TENTACLES" '$2 == all { print $1; exit }' "$BENCH_DIR/swarm.out")"
  pause 5
  began=$(uptime_s)
  ticks=$(cpu_ticks "$LINK_BACKEND_PID")
  pause "$LINK_WINDOW_S"
  seconds=$(awk -v from="$began" -v to="$(uptime_s)" 'BEGIN { print to - from }')
  sample swarm_cpu "$(cpu_percent $(($(cpu_ticks "$LINK_BACKEND_PID") - ticks)) "$seconds")"
  after=$(memory_mib "$LINK_BACKEND_PID" Rss)
  sample swarm_rss "$after"
  sample tentacle_kib "$(awk -v a="$after" -v b="$before" -v n="$LINK_TENTACLES" 'BEGIN { printf "%.1f\n", (a - b) * 1024 / n }')"
  sample swarm_held "$(tail -n 1 "$BENCH_DIR/swarm.out" | cut -d ' ' -f 2)"
  link_restart TERM stopped && link_restart KILL killed || return 1
  link_stop
  table_head "one backend and $LINK_TENTACLES tentacles"
  row 'held for the whole window' swarm_held tentacles
  row 'all connected after' connect_s s
  row 'memory of the backend' swarm_rss MiB
  row 'memory per tentacle' tentacle_kib KiB
  row 'processor, heartbeats only' swarm_cpu '% of a core'
  link_restart_rows stopped 'stopped in order'
  link_restart_rows killed 'kill -9'
  figure swarm_held tentacles '>=' "$LINK_TENTACLES"
  figure tentacle_kib KiB '<=' 64
  figure stopped_p95 s '<=' 60
  figure killed_p95 s '<=' 60
  figure stopped_again tentacles '<=' 0
  figure killed_again tentacles '<=' 0
}

# A few hundred: how few of them the backend takes in a second when all come at once.
link_storm() {
  local LINK_TENTACLES=500
  link_swarm_up && link_swarm_start || return 1
  pause 5
  link_restart TERM storm_stopped && link_restart KILL storm_killed || return 1
  link_stop
  table_head "$LINK_TENTACLES tentacles that come at once"
  link_restart_rows storm_stopped 'stopped in order'
  link_restart_rows storm_killed 'kill -9'
  figure storm_stopped_peak tentacles '<=' 60
  figure storm_killed_peak tentacles '<=' 60
  figure storm_stopped_max s '<=' 90
  figure storm_killed_max s '<=' 90
}

link_swarm_start() {
  progress "swarm: $LINK_TENTACLES tentacles enroll and connect"
  setsid "$BENCH_BIN_DIR/link_swarm" "http://127.0.0.1:$LINK_PORT" "$BENCH_DIR/key" "$LINK_TENTACLES" \
    >"$BENCH_DIR/swarm.out" 2>"$BENCH_DIR/swarm.log" </dev/null &
  LINK_SWARM_PID=$!
  wait_for 150 link_all_online
}

link_swarm_up() {
  mkdir -p "$BENCH_DIR/images" "$BENCH_DIR/page"
  echo bench >"$BENCH_DIR/key"
  POSTGRES_OPTIONS='-c fsync=on' postgres_start "$BENCH_DIR/postgres" || return 1
  LINK_PORT=$((20000 + RANDOM % 10000))
  link_backend
}

link_backend() {
  setsid "$BACKEND_BIN" --listen "127.0.0.1:$LINK_PORT" --database "$POSTGRES_URL" --image-dir "$BENCH_DIR/images" \
    --web-dir "$BENCH_DIR/page" --api-key-file "$BENCH_DIR/key" >>"$BENCH_DIR/backend.log" 2>&1 </dev/null &
  LINK_BACKEND_PID=$!
  wait_for 20 curl -fsS -o /dev/null "http://127.0.0.1:$LINK_PORT/readyz"
}

link_all_online() {
  [ "$(tail -n 1 "$BENCH_DIR/swarm.out" | cut -d ' ' -f 2)" = "$LINK_TENTACLES" ]
}

# link_restart SIGNAL NAME: ends the backend, starts it again at once, waits until all are back and stay for 10 s.
link_restart() {
  progress "swarm: the backend is restarted ($1)"
  LINK_RETURNS=$(returns)
  kill -USR1 "$LINK_SWARM_PID"
  pause 1
  kill "-$1" "$LINK_BACKEND_PID"
  wait "$LINK_BACKEND_PID" 2>/dev/null
  link_backend || return 1
  wait_for 120 link_all_online || return 1
  pause 10
  kill -USR2 "$LINK_SWARM_PID"
  wait_for 5 another_return || return 1
  read -r _ p50 p95 max _ peak again refused <<<"$(grep '^back' "$BENCH_DIR/swarm.out" | tail -n 1)"
  sample "$2_p50" "$p50"
  sample "$2_p95" "$p95"
  sample "$2_max" "$max"
  sample "$2_peak" "$peak"
  sample "$2_again" "$again"
  sample "$2_refused" "$refused"
}

# returns: how many restarts the swarm has told of.
returns() { grep -c '^back' "$BENCH_DIR/swarm.out"; }
another_return() { [ "$(returns)" -gt "$LINK_RETURNS" ]; }

link_restart_rows() {
  row "$2: back, median" "$1_p50" s
  row "$2: back, 95 %" "$1_p95" s
  row "$2: back, the last" "$1_max" s
  row "$2: most in one second" "$1_peak" tentacles
  row "$2: lost once more" "$1_again" tentacles
  row "$2: attempts that failed then" "$1_refused" attempts
}

# uplink with nothing to do, beside a process with nothing but gRPC.
link_idle() {
  local run
  # shellcheck source=bench/footprint.sh
  . "$BENCH_REPO/bench/footprint.sh"
  FOOTPRINT_WINDOW_S=$LINK_WINDOW_S FOOTPRINT_SETTLE_S=$LINK_SETTLE_S
  branch_up || return 1
  for run in $(seq 1 "$BENCH_RUNS"); do
    progress "idle: run $run of $BENCH_RUNS"
    footprint_bare && footprint_ours || return 1
  done
  sample idle_over_bare "$(awk -v ours="$(median rss_uplink)" -v bare="$(median rss_bare)" 'BEGIN { printf "%.2f\n", ours - bare }')"
  table_head "uplink idle, $LINK_WINDOW_S s a run"
  row 'processor' cpu_uplink '% of a core'
  row 'resident memory' rss_uplink MiB
  row 'resident memory, bare gRPC process' rss_bare MiB
  row 'private share of it (PSS)' pss_uplink MiB
  figure cpu_uplink percent '<' 1
  figure idle_over_bare MiB '<=' 20
}
