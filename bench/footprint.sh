# shellcheck shell=bash
# Area footprint: what a tentacle costs that has nothing to do. The five services in the lab's branch, connected to a
# real backend; a process with nothing but gRPC as the peer. Sourced by run.sh.
# shellcheck disable=SC2034  # AREA_PACKAGES is for run.sh.

AREA_PACKAGES='build run bench'
FOOTPRINT_WINDOW_S=${FOOTPRINT_WINDOW_S:-60}  # Holds one sample of the agent and three pings of uplink.
FOOTPRINT_SETTLE_S=${FOOTPRINT_SETTLE_S:-20}  # After the start: first inventory, first sweep of the two subnets.
FOOTPRINT_SERVICES='uplink pxe cache discovery agent'

area_measure() {
  local run
  bench_build bare_grpc || return 1
  branch_up || return 1
  for run in $(seq 1 "$BENCH_RUNS"); do
    progress "run $run of $BENCH_RUNS: bare gRPC, then the five services ($FOOTPRINT_WINDOW_S s of idling)"
    footprint_bare && footprint_ours || return 1
  done
  footprint_sizes || return 1
  footprint_table && footprint_figures
}

footprint_bare() {
  start_alone "$BENCH_DIR/bare.ready" "unix:$BENCH_DIR/bare.sock" "$BENCH_BIN_DIR/bare_grpc" "$BENCH_DIR/bare.sock" ||
    return 1
  sample start_bare "$(ready_ms "$BENCH_DIR/bare.ready" "unix:$BENCH_DIR/bare.sock")"
  sample rss_bare "$(memory_mib "$BENCH_PID" Rss)"
  sample pss_bare "$(memory_mib "$BENCH_PID" Pss)"
  sample anonymous_bare "$(memory_mib "$BENCH_PID" Anonymous)"
  stop_alone
}

footprint_ours() {
  local service pid began seconds all=() ticks_all=0
  local -A pids before
  footprint_start || return 1
  for service in $FOOTPRINT_SERVICES; do
    pids[$service]=$(service_pid "$service") || return 1
  done
  pids[supervisor]=$(lab_pid tentacle) || return 1
  pause "$FOOTPRINT_SETTLE_S"
  began=$(uptime_s)
  for service in "${!pids[@]}"; do before[$service]=$(cpu_ticks "${pids[$service]}") || return 1; done
  pause "$FOOTPRINT_WINDOW_S"
  seconds=$(awk -v from="$began" -v to="$(uptime_s)" 'BEGIN { print to - from }')
  for service in "${!pids[@]}"; do
    # A process that was started anew meanwhile is not idle, and its pid is gone.
    pid=$(cpu_ticks "${pids[$service]}") || {
      echo "bench: $service ended while it was watched" >&2
      return 1
    }
    sample "cpu_$service" "$(cpu_percent $((pid - before[$service])) "$seconds")"
    [ "$service" = supervisor ] || ticks_all=$((ticks_all + pid - before[$service]))
  done
  sample cpu_together "$(cpu_percent "$ticks_all" "$seconds")"
  footprint_memory Rss rss && footprint_memory Pss pss && footprint_memory Anonymous anonymous || return 1
  branch_stop
}

# footprint_start: notes when each socket and each /readyz was there.
footprint_start() {
  local service result=$BENCH_DIR/ours.ready
  local -a doors=()
  for service in $FOOTPRINT_SERVICES; do doors+=("unix:$STACK_DIR/run/$service.sock"); done
  doors+=(http:9471 http:9472 http:9473 http:9474 http:9475)
  branch_start "$result" "${doors[@]}" || return 1
  sample start_sockets "$(ready_ms "$result" unix:)"
  sample start_ready "$(ready_ms "$result" http:)"
}

# ready_ms RESULT PREFIX: when the last of the doors opened that begin so.
ready_ms() {
  awk -v prefix="$2" 'index($1, prefix) == 1 && $2 + 0 >= last { last = $2 + 0; found = 1 }
    END { if (found) print last; exit !found }' "$1"
}

# footprint_memory FIELD NAME, of footprint_ours: its pids.
footprint_memory() {
  local service value
  local -a values=()
  for service in "${!pids[@]}"; do
    value=$(memory_mib "${pids[$service]}" "$1") || return 1
    sample "$2_$service" "$value"
    [ "$service" = supervisor ] || values+=("$value")
  done
  sample "$2_together" "$(add "${values[@]}")"
}

# Without debug information: what a package or a container image would hold.
footprint_sizes() {
  local stripped=$BENCH_DIR/stripped
  strip -o "$stripped" "$TENTACLE_BIN" || return 1
  sample binary "$(awk -v bytes="$(stat -c %s "$stripped")" 'BEGIN { printf "%.2f\n", bytes / 1048576 }')"
  sample binary_debug "$(awk -v bytes="$(stat -c %s "$TENTACLE_BIN")" 'BEGIN { printf "%.2f\n", bytes / 1048576 }')"
}

footprint_table() {
  local service
  machine_line
  table_head "footprint: idle, $FOOTPRINT_WINDOW_S s a run"
  row 'CPU, the five together' cpu_together '% of a core'
  for service in $FOOTPRINT_SERVICES supervisor; do row "CPU, $service" "cpu_$service" '% of a core'; done
  row 'RSS, the five together' rss_together MiB
  for service in $FOOTPRINT_SERVICES supervisor; do row "RSS, $service" "rss_$service" MiB; done
  row 'RSS, bare gRPC process' rss_bare MiB
  row 'PSS, the five together' pss_together MiB
  for service in $FOOTPRINT_SERVICES supervisor; do row "PSS, $service" "pss_$service" MiB; done
  row 'PSS, bare gRPC process' pss_bare MiB
  row 'anonymous memory, the five together' anonymous_together MiB
  row 'anonymous memory, bare gRPC process' anonymous_bare MiB
  row 'start to all five /readyz (backend online)' start_ready ms
  row 'start to all five sockets' start_sockets ms
  row 'start to socket, bare gRPC process' start_bare ms
  row 'octofleet-tentacle, stripped' binary MiB
  row 'octofleet-tentacle, with debug information' binary_debug MiB
}

# Reasons for the bounds: README.md.
footprint_figures() {
  local service
  sample rss_uplink_over_bare "$(awk -v ours="$(median rss_uplink)" -v bare="$(median rss_bare)" \
    'BEGIN { printf "%.2f\n", ours - bare }')"
  figure cpu_together percent '<=' 1
  for service in $FOOTPRINT_SERVICES; do figure "cpu_$service" percent '<' 1; done
  figure rss_together MiB '<=' 150
  for service in $FOOTPRINT_SERVICES; do figure "rss_$service" MiB '<=' 30; done
  figure rss_uplink_over_bare MiB '<=' 20
  figure pss_together MiB '<=' 100
  figure start_ready ms '<=' 4000
  figure binary MiB '<=' 64
  figures_print
}
