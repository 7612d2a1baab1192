# shellcheck shell=bash
# Area discovery: sweeps, ports and listening, on a segment of network namespaces with a faulty wire in it; arp-scan and
# nmap as the peers. Sourced by run.sh; the segment is made by discovery_segment.py.
# shellcheck disable=SC2034  # AREA_PACKAGES is for run.sh.

AREA_PACKAGES='build run bench'

area_measure() {
  local run name value rest
  bench_build frame_storm || return 1
  cmake --build "$BENCH_REPO/build/$BUILD_PRESET" --target faulty_wire >>"$BENCH_DIR/build.log" 2>&1 || return 1
  progress "$BENCH_RUNS runs: /24, loss, ports, /16, 20,000 frames a second, 10,000 devices"
  while read -r name value rest; do
    case $name in
      sample) sample "$value" "$rest" ;;
      *) printf '%s %s %s\n' "$name" "$value" "$rest" ;;
    esac
  done < <(python3 "$BENCH_REPO/bench/discovery_segment.py" "$TENTACLE_BIN" "$BENCH_REPO/build/$BUILD_PRESET" "$BENCH_RUNS" "$BENCH_DIR")
  discovery_table && discovery_figures
}

discovery_table() {
  table_head 'discovery'
  row 'a /24 with 30 hosts, ours' sweep_ours s
  row '  arp-scan at its defaults' sweep_arp_scan s
  row '  nmap -sn' sweep_nmap s
  row '  found by ours' found_ours hosts
  row '  made up by ours' invented_ours hosts
  row '10 % loss each way, found by ours' loss_ours hosts
  row '  arp-scan' loss_arp_scan hosts
  row '  nmap -sn' loss_nmap hosts
  row '1000 ports of 5 hosts, ours' ports_ours s
  row '  nmap -sT' ports_nmap s
  row '  ports that ours has otherwise' ports_differ ports
  row 'a /16 at 5,000 questions a second' large_sweep s
  row '  memory that it adds' large_memory MiB
  row '20,000 frames a second, lost' storm_lost frames
  row '  of a core' storm_cpu percent
  row 'of 10,000 devices known' devices_known devices
  row '  memory at most' devices_rss MiB
}

discovery_figures() {
  local arp_scan nmap
  arp_scan=$(median sweep_arp_scan) && nmap=$(median sweep_nmap) || return 1
  sample sweep_of_arp_scan "$(awk -v a="$(median sweep_ours)" -v b="$arp_scan" 'BEGIN { print a / b }')"
  sample sweep_of_nmap "$(awk -v a="$(median sweep_ours)" -v b="$nmap" 'BEGIN { print a / b }')"
  sample ports_of_nmap "$(awk -v a="$(median ports_ours)" -v b="$(median ports_nmap)" 'BEGIN { print a / b }')"
  figure sweep_of_arp_scan times '<=' 0.5
  figure sweep_of_nmap times '<=' 0.5
  figure found_ours hosts '>=' 30
  figure invented_ours hosts '<=' 0
  figure loss_ours hosts '>=' 30
  figure ports_of_nmap times '<=' 1
  figure ports_differ ports '<=' 0
  figure large_memory MiB '<=' 16
  figure storm_lost frames '<=' 0
  figure storm_cpu percent '<=' 100
  figure devices_known devices '>=' 10000
  figure devices_rss MiB '<' 64
  figures_print
}
