# shellcheck shell=bash
# Area discovery: sweeps, ports and listening, on a segment of network namespaces with a faulty wire in it; arp-scan and
# nmap as the peers. Sourced by run.sh; the segment is made by discovery_segment.py.
# shellcheck disable=SC2034  # AREA_PACKAGES is for run.sh.

AREA_PACKAGES='build run bench'
DISCOVERY_PARTS=${DISCOVERY_PARTS:-sweep loss ports large storm rogue devices}

area_measure() {
  local part name value rest
  bench_build frame_storm || return 1
  cmake --build "$BENCH_REPO/build/$BUILD_PRESET" --target faulty_wire >>"$BENCH_DIR/build.log" 2>&1 || return 1
  machine_line
  for part in $DISCOVERY_PARTS; do
    declare -F "report_discovery_$part" >/dev/null || {
      printf 'bench: discovery has no part %s\n' "$part" >&2
      return 1
    }
  done
  progress "$BENCH_RUNS runs of: $DISCOVERY_PARTS"
  # In the background, so that an interruption is heard while it runs; stop_alone ends it.
  # shellcheck disable=SC2086  # A list of words.
  python3 "$BENCH_REPO/bench/discovery_segment.py" "$TENTACLE_BIN" "$BENCH_REPO/build/$BUILD_PRESET" "$BENCH_RUNS" "$BENCH_DIR" \
    $DISCOVERY_PARTS >"$BENCH_DIR/segment.log" 2>&1 &
  BENCH_PID=$!
  wait "$BENCH_PID" || return 1
  BENCH_PID=
  while read -r name value rest; do
    case $name in
      sample) sample "$value" "$rest" ;;
      *) printf '%s %s %s\n' "$name" "$value" "$rest" ;;
    esac
  done <"$BENCH_DIR/segment.log"
  table_head 'discovery'
  for part in $DISCOVERY_PARTS; do
    "report_discovery_$part" || return 1
  done
  figures_print
}

# ratio NAME OURS THEIRS: of the medians.
ratio() {
  local ours theirs
  ours=$(median "$2") && theirs=$(median "$3") || return 1
  sample "$1" "$(awk -v a="$ours" -v b="$theirs" 'BEGIN { print a / b }')"
}

report_discovery_sweep() {
  row 'a /24 with 30 hosts, ours' sweep_ours s &&
    row '  arp-scan at its defaults' sweep_arp_scan s &&
    row '  nmap -sn' sweep_nmap s &&
    row '  found by ours' found_ours hosts &&
    row '  made up by ours' invented_ours hosts &&
    ratio sweep_of_arp_scan sweep_ours sweep_arp_scan &&
    ratio sweep_of_nmap sweep_ours sweep_nmap &&
    figure sweep_of_arp_scan times '<=' 0.5 &&
    figure sweep_of_nmap times '<=' 0.5 &&
    figure found_ours hosts '>=' 30 &&
    figure invented_ours hosts '<=' 0
}

report_discovery_loss() {
  row '10 % loss each way, found by ours' loss_ours hosts &&
    row '  arp-scan' loss_arp_scan hosts &&
    row '  nmap -sn' loss_nmap hosts &&
    figure loss_ours hosts '>=' 30
}

report_discovery_ports() {
  row '1000 ports of 5 hosts, ours' ports_ours s &&
    row '  nmap -sT' ports_nmap s &&
    row '  ours, with greetings' ports_greeted s &&
    row '  ports that ours has otherwise' ports_differ ports &&
    ratio ports_of_nmap ports_ours ports_nmap &&
    figure ports_of_nmap times '<=' 1 &&
    figure ports_differ ports '<=' 0
}

report_discovery_large() {
  row 'a /16 at 5,000 questions a second' large_sweep s &&
    row '  memory that it adds' large_memory MiB &&
    figure large_memory MiB '<=' 16
}

report_discovery_storm() {
  row '20,000 frames a second, lost' storm_lost frames &&
    row '  of a core' storm_cpu percent &&
    row '  that told something' storm_told percent &&
    figure storm_lost frames '<=' 0 &&
    figure storm_cpu percent '<=' 100
}

report_discovery_rogue() {
  row 'a foreign offer, until it is told' rogue_alert s &&
    figure rogue_alert s '<=' 5
}

report_discovery_devices() {
  row 'of 10,000 devices known' devices_known devices &&
    row '  memory at most' devices_rss MiB &&
    figure devices_known devices '>=' 10000 &&
    figure devices_rss MiB '<' 64
}
