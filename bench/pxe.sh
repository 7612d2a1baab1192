# shellcheck shell=bash
# Offers and transfers of the pxe service, beside dnsmasq, tftpd-hpa and atftpd: the same clients, in the same two network
# namespaces, in the same run. Sourced by run.sh.
# shellcheck disable=SC2034  # AREA_PACKAGES is for run.sh.

AREA_PACKAGES='build run bench pxebench'
PXE_ADDRESS=10.99.0.1
PXE_RELAY=10.99.0.2          # From where DISCOVERs come.
PXE_FIRST_CLIENT=10.99.1.1   # And 127 more: a server may let an address have a few transfers only.
PXE_CLIENTS=128
PXE_MACHINES=256
PXE_BLOCK=1428
PXE_SERVERS='ours dnsmasq hpa atftpd'
PXE_FLOOD=${PXE_FLOOD:-300000}       # DISCOVERs a second, more than anybody answers.
PXE_FLOOD_S=${PXE_FLOOD_S:-5}
PXE_STORM=40
PXE_LOAD_S=${PXE_LOAD_S:-20}         # Of 10000 DISCOVERs a second.
PXE_AVALANCHE=1000                   # Clients that are switched on in one moment.
PXE_RUBBISH_S=${PXE_RUBBISH_S:-10}   # Of 50000 packets a second.
PXE_CROWD=256                        # Transfers of 1 MiB at once.
PXE_DOWNLOADS=50                     # Of boot.wim at once.
PXE_WIRE_PID=

area_measure() {
  local run server
  bench_build tftp_load dhcp_load image_clients || return 1
  cmake --build "$BENCH_REPO/build/$BUILD_PRESET" --target faulty_wire packet_flood >>"$BENCH_DIR/build.log" 2>&1 || return 1
  trap 'BENCH_CODE=$?; pxe_down; bench_end "$BENCH_CODE"' EXIT
  pxe_peers && pxe_files && pxe_up || return 1
  for run in $(seq 1 "$BENCH_RUNS"); do
    progress "run $run of $BENCH_RUNS: offers"
    for server in ours dnsmasq; do pxe_offers "$server" || return 1; done
    progress "run $run of $BENCH_RUNS: a steady load, an avalanche, floods"
    pxe_load && pxe_rubbish && pxe_requests && pxe_crowd && pxe_downloads || return 1
    for server in $PXE_SERVERS; do
      progress "run $run of $BENCH_RUNS: transfers from $server"
      pxe_transfers "$server" || return 1
    done
    progress "run $run of $BENCH_RUNS: a line of 10 ms, a line that loses, a boot storm"
    pxe_line && pxe_loss && pxe_storm || return 1
  done
  pxe_table && pxe_figures
}

# Debian lets only one of the two TFTP servers be installed; here each is unpacked into a folder of the run.
pxe_peers() {
  (cd "$BENCH_DIR" && apt-get -q download tftpd-hpa atftpd >apt.log 2>&1 &&
    for package in ./*.deb; do dpkg -x "$package" peers || exit 1; done)
}

# Boot files, and a task file for each machine: the service begins with them, no backend is needed.
pxe_files() {
  local machine mac boot=$BENCH_DIR/state/cache/boot
  branch_boot_files || return 1
  mkdir -p "$BENCH_DIR/state/tasks"
  echo ready >"$boot/probe.efi" && head -c 1048576 /dev/urandom >"$boot/1m.efi" && head -c 8388608 /dev/urandom >"$boot/8m.efi" || return 1
  head -c 1073741824 /dev/zero >"$boot/1g.img" && head -c 200000000 /dev/zero >"$boot/boot.wim" || return 1
  for machine in $(seq 0 $((PXE_MACHINES - 1))); do
    pxe_task "$(printf '52:54:00:aa:%02x:%02x' $((machine / 256)) $((machine % 256)))"
  done
  pxe_task 52:54:00:bb:00:01
}

pxe_task() {
  printf '{"task":{"id":"t-%s","mac":"%s","hostname":"pc","imageId":"1","osType":"linux-image","platform":"kvm-libvirt","network":{"dhcp":true}},"progress":{"status":"waiting"},"orders":{}}\n' \
    "${1//:/}" "$1" >"$BENCH_DIR/state/tasks/${1//:/-}.json"
}

# ttpxe-server s0 ---- c0 ttpxe-client, or with a faulty wire between them.
pxe_up() {
  local client
  pxe_down
  ip netns add ttpxe-server && ip netns add ttpxe-client && ip netns add ttpxe-wire || return 1
  ip -n ttpxe-server link set lo up
  ip -n ttpxe-client link set lo up
  pxe_cable || return 1
}

# pxe_cable [wire]: a new cable between the two, so that nothing of the last one is left.
pxe_cable() {
  local client
  ip -n ttpxe-server link del s0 2>/dev/null
  ip -n ttpxe-client link del c0 2>/dev/null
  if [ "${1-}" = wire ]; then
    # What a device may hand over at once would be lost or late at once.
    ip -n ttpxe-server link add s0 gso_max_segs 1 type veth peer name w0 netns ttpxe-wire &&
      ip -n ttpxe-client link add c0 gso_max_segs 1 type veth peer name w1 netns ttpxe-wire &&
      ip -n ttpxe-wire link set w0 up && ip -n ttpxe-wire link set w1 up || return 1
  else
    ip -n ttpxe-server link add s0 type veth peer name c0 netns ttpxe-client || return 1
  fi
  ip -n ttpxe-client link set c0 address 52:54:00:bb:00:01
  ip -n ttpxe-server addr add "$PXE_ADDRESS/16" dev s0 && ip -n ttpxe-server link set s0 up &&
    ip -n ttpxe-client addr add "$PXE_RELAY/16" dev c0 && ip -n ttpxe-client link set c0 up || return 1
  for client in $(seq 1 $PXE_CROWD); do
    client=10.99.$((1 + client / 256)).$((client % 256))
    # A machine asks for the server's MAC under its own address, from which the kernel learns whose that is. These
    # addresses are one kernel's, which asks once for all of them.
    ip -n ttpxe-client addr add "$client/16" dev c0 &&
      ip -n ttpxe-server neigh replace "$client" lladdr 52:54:00:bb:00:01 dev s0 nud permanent || return 1
  done
}

pxe_down() {
  local namespace
  pxe_stop
  for namespace in ttpxe-server ttpxe-client ttpxe-wire; do
    [ ! -e "/run/netns/$namespace" ] || ip netns del "$namespace"
  done
}

# pxe_start SERVER: until it answers.
pxe_start() {
  local boot=$BENCH_DIR/state/cache/boot
  case $1 in
    ours) set -- env TENTACLE_STATE_DIR="$BENCH_DIR/state" TENTACLE_RUN_DIR="$BENCH_DIR/run" "$TENTACLE_BIN" pxe ;;
    dnsmasq)
      set -- dnsmasq --keep-in-foreground --conf-file=/dev/null --port=0 --user=root --interface=s0 --bind-interfaces \
        --dhcp-range=10.99.0.0,proxy,255.255.0.0 --pxe-service=x86-64_EFI,boot,ipxe.efi --enable-tftp \
        --tftp-root="$boot" --tftp-max=300 --log-facility=/dev/null --pid-file= --quiet-dhcp --quiet-tftp \
        --dhcp-leasefile="$BENCH_DIR/dnsmasq.leases"
      ;;
    hpa) set -- "$BENCH_DIR/peers/usr/sbin/in.tftpd" -L -s -a "$PXE_ADDRESS:69" -u root "$boot" ;;
    atftpd)
      set -- "$BENCH_DIR/peers/usr/sbin/atftpd" --daemon --no-fork --bind-address "$PXE_ADDRESS" --maxthread 300 \
        --user root --group root --verbose=3 --logfile /dev/null "$boot"
      ;;
  esac
  setsid ip netns exec ttpxe-server "$@" >>"$BENCH_DIR/server.log" 2>&1 </dev/null &
  PXE_PID=$!
  wait_for 20 pxe_answers || {
    echo "bench: $1 does not answer" >&2
    return 1
  }
}

# By one block: over the slow wire a loader takes as long as one is ready to wait.
pxe_answers() { in_client timeout 5 "$BENCH_BIN_DIR/tftp_load" "$PXE_ADDRESS" probe.efi "$BENCH_DIR/state/cache/boot/probe.efi" 1 1 512 1 "$PXE_FIRST_CLIENT" >/dev/null 2>&1; }

pxe_stop() {
  [ -z "${PXE_PID-}" ] || {
    kill -TERM "$PXE_PID" 2>/dev/null
    wait "$PXE_PID" 2>/dev/null
  }
  [ -z "$PXE_WIRE_PID" ] || {
    kill -TERM "$PXE_WIRE_PID" 2>/dev/null
    wait "$PXE_WIRE_PID" 2>/dev/null
  }
  PXE_PID=
  PXE_WIRE_PID=
}

in_client() { ip netns exec ttpxe-client "$@"; }

# of_line WORD: the number behind a word of the last line of a program.
of_line() { awk -v word="$1" '{ for (i = 1; i < NF; i++) if ($i == word) print $(i + 1) }' "$BENCH_DIR/line"; }

# pxe_offers SERVER: a flood, and a thousand a second. Not by Kea's perfdhcp: it takes one datagram a call, and from
# 40,000 a second on its own receive buffer is what loses offers.
pxe_offers() {
  pxe_start "$1" && dhcp_load "$PXE_FLOOD" "$PXE_FLOOD_S" || return 1
  sample "offers_$1" "$(of_line rate)"
  dhcp_load 1000 5 || return 1
  sample "offer_p50_$1" "$(of_line p50_ms)"
  sample "offer_p99_$1" "$(of_line p99_ms)"
  sample "unanswered_$1" "$(($(of_line sent) - $(of_line answered)))"
  [ "$1" != ours ] || sample offers_rss "$(memory_mib "$(pxe_server_pid)" Rss)"
  pxe_stop
}

# dhcp_load RATE SECONDS: of as many machines as have a task.
dhcp_load() { in_client "$BENCH_BIN_DIR/dhcp_load" "$PXE_RELAY" "$PXE_ADDRESS" "$1" "$2" $PXE_MACHINES >"$BENCH_DIR/line"; }

# discovers RATE_OPTION...: perfdhcp's machines, which are those of the tasks. Option 60, 93, 94 and 97 of x64 UEFI.
discovers() {
  in_client perfdhcp -4 -i -l c0 -b mac=52:54:00:aa:00:00 "$@" \
    -o 60,505845436c69656e743a417263683a30303030373a554e44493a303033303136 -o 93,0007 -o 94,010310 \
    -o 97,00000102030405060708090a0b0c0d0e0f "$PXE_ADDRESS" >"$BENCH_DIR/perfdhcp.log" 2>&1
}

# told LABEL: the number behind it in what perfdhcp says.
told() { awk -v label="$1" 'index($0, label) == 1 { sub(label, ""); print $1; exit }' "$BENCH_DIR/perfdhcp.log"; }

rss() { memory_mib "$(pxe_server_pid)" Rss; }

growth() { awk -v from="$1" -v to="$(rss)" 'BEGIN { printf "%.1f\n", to - from }'; }

# Bar B1: ten thousand a second, and a thousand machines that are switched on at once and repeat as firmware does.
pxe_load() {
  local before
  pxe_start ours || return 1
  discovers -r 1000 -R $PXE_MACHINES -p 2   # What grows once has grown.
  before=$(rss)
  discovers -r 10000 -R $PXE_MACHINES -p "$PXE_LOAD_S"
  sample load_drop "$(told 'drops ratio:' | tr -d '%')"
  sample load_mean "$(told 'avg delay:')"
  sample load_max "$(told 'max delay:')"
  sample load_growth "$(growth "$before")"
  in_client python3 "$BENCH_REPO/bench/boot_storm.py" "$PXE_ADDRESS" $PXE_AVALANCHE discover >"$BENCH_DIR/line" || {
    echo "bench: avalanche: $(cat "$BENCH_DIR/line")" >&2
    return 1
  }
  sample avalanche_seconds "$(of_line seconds)"
  pxe_stop
}

# Bar B4: rubbish, while machines boot.
pxe_rubbish() {
  local before lines flood
  pxe_start ours || return 1
  before=$(rss)
  lines=$(wc -l <"$BENCH_DIR/server.log")
  in_client "$BENCH_REPO/build/$BUILD_PRESET/tests/packet_flood" garbage "$PXE_ADDRESS" 50000 $((50000 * PXE_RUBBISH_S)) 3 67 4011 \
    >"$BENCH_DIR/flood" &
  flood=$!
  in_client python3 "$BENCH_REPO/bench/boot_storm.py" "$PXE_ADDRESS" 20 discover >"$BENCH_DIR/line"
  sample rubbish_offered "$(of_line served)"
  sample rubbish_seconds "$(of_line seconds)"
  wait "$flood"
  # What concerns the twenty machines has its lines.
  sample rubbish_lines "$(awk -v lines="$(($(wc -l <"$BENCH_DIR/server.log") - lines - 40))" -v s="$PXE_RUBBISH_S" \
    'BEGIN { printf "%.1f\n", (lines > 0 ? lines : 0) / s }')"
  sample rubbish_growth "$(growth "$before")"
  pxe_stop
}

# Bar C5: requests that nobody acknowledges, and one client that does.
pxe_requests() {
  local before flood
  pxe_start ours || return 1
  before=$(rss)
  in_client "$BENCH_REPO/build/$BUILD_PRESET/tests/packet_flood" requests "$PXE_ADDRESS" 5000 $((5000 * PXE_RUBBISH_S)) 5 10.99.1.100 100 \
    >"$BENCH_DIR/flood" &
  flood=$!
  fetch requests_rate 1m.efi 1 1 1 || return 1
  sample requests_seconds "$(of_line seconds)"
  wait "$flood"
  sample requests_amplified "$(awk '{ printf "%.2f\n", $8 / $4 }' "$BENCH_DIR/flood")"
  sample requests_growth "$(growth "$before")"
  pxe_stop
}

# Bar C7: many at once.
pxe_crowd() {
  local before
  pxe_start ours || return 1
  before=$(rss)
  fetch crowd_rate 1m.efi $PXE_CROWD 1 1 || return 1
  sample crowd_served "$((PXE_CROWD - $(of_line failed)))"
  sample crowd_growth "$(growth "$before")"
  pxe_stop
}

# Bar D3: HTTP, over the loopback of the server's namespace.
pxe_downloads() {
  local before
  pxe_start ours || return 1
  download downloads_warm boot.wim 1 2 || return 1
  before=$(rss)
  download download_rate 1g.img 1 1 && download downloads_rate boot.wim $PXE_DOWNLOADS 1 || return 1
  sample downloads_growth "$(growth "$before")"
  pxe_stop
}

# download NAME FILE CLIENTS TIMES: MB a second.
download() {
  ip netns exec ttpxe-server "$BENCH_BIN_DIR/image_clients" 9080 "/boot/$2" "$3" "$4" >"$BENCH_DIR/line" || {
    echo "bench: $1: $(cat "$BENCH_DIR/line")" >&2
    return 1
  }
  sample "$1" "$(awk '{ printf "%.0f\n", $2 / 1e6 / $1 }' "$BENCH_DIR/line")"
}

# `ip netns exec` becomes the program.
pxe_server_pid() { echo "$PXE_PID"; }

# fetch NAME FILE CLIENTS TIMES WINDOW: MiB a second.
fetch() {
  in_client "$BENCH_BIN_DIR/tftp_load" "$PXE_ADDRESS" "$2" "$BENCH_DIR/state/cache/boot/$2" "$3" "$4" $PXE_BLOCK "$5" \
    "$PXE_FIRST_CLIENT" >"$BENCH_DIR/line" 2>>"$BENCH_DIR/server.log" || {
    echo "bench: $1: $(cat "$BENCH_DIR/line")" >&2
    return 1
  }
  sample "$1" "$(of_line mib_per_s)"
}

pxe_transfers() {
  local window
  pxe_start "$1" || return 1
  for window in 1 16; do
    fetch "tftp_w${window}_1_$1" 8m.efi 1 4 $window && fetch "tftp_w${window}_16_$1" 8m.efi 16 1 $window &&
      fetch "tftp_w${window}_128_$1" 1m.efi 128 1 $window || return 1
  done
  pxe_stop
}

# pxe_wire OPTION...: a cable with faults, and ours at its end.
pxe_wire() {
  pxe_cable wire || return 1
  ip netns exec ttpxe-wire "$BENCH_REPO/build/$BUILD_PRESET/tests/faulty_wire" w0 w1 "$@" >"$BENCH_DIR/wire.log" 2>&1 &
  PXE_WIRE_PID=$!
  wait_for 10 grep -q open "$BENCH_DIR/wire.log" && pxe_start ours
}

# 5 ms each way.
pxe_line() {
  pxe_wire delay_ms=5 && fetch line_w1 1m.efi 1 1 1 && fetch line_w16 1m.efi 1 1 16 || return 1
  sample line_gain "$(awk -v one="${SAMPLES[line_w1]##* }" -v many="${SAMPLES[line_w16]##* }" 'BEGIN { printf "%.2f\n", many / one }')"
  pxe_stop
}

pxe_loss() {
  pxe_wire loss=0.01 seed=7 && fetch loss_rate 8m.efi 4 1 1 || return 1
  sample loss_seconds "$(of_line seconds)"
  pxe_stop
  pxe_wire loss=0.05 dup=0.01 reorder=0.02 seed=11 && fetch bad_rate 8m.efi 4 1 16 || return 1
  sample bad_seconds "$(of_line seconds)"
  pxe_stop
  pxe_wire loss=0.05 dup=0.01 reorder=0.02 delay_ms=20 jitter_ms=5 seed=13 && fetch far_rate 8m.efi 4 1 16 || return 1
  sample far_seconds "$(of_line seconds)"
  pxe_stop
  pxe_cable
}

# All at once, from DISCOVER to script.
pxe_storm() {
  local before
  pxe_start ours || return 1
  before=$(cpu_ticks "$(pxe_server_pid)")
  in_client python3 "$BENCH_REPO/bench/boot_storm.py" "$PXE_ADDRESS" $PXE_STORM >"$BENCH_DIR/line" || {
    cat "$BENCH_DIR/line" >&2
    return 1
  }
  sample storm_served "$(of_line served)"
  sample storm_seconds "$(of_line seconds)"
  sample storm_cpu "$(awk -v ticks="$(($(cpu_ticks "$(pxe_server_pid)") - before))" -v hertz="$(getconf CLK_TCK)" 'BEGIN { printf "%.2f\n", ticks / hertz }')"
  sample storm_rss "$(memory_mib "$(pxe_server_pid)" Rss)"
  pxe_stop
}

pxe_table() {
  local server window clients
  machine_line
  table_head 'pxe: offers'
  for server in ours dnsmasq; do
    row "offers in a flood, $server" "offers_$server" 1/s
    row "at 1000 DISCOVERs a second, median, $server" "offer_p50_$server" ms
    row "at 1000 DISCOVERs a second, 99 %, $server" "offer_p99_$server" ms
    row "of 5000 without an offer, $server" "unanswered_$server" ''
  done
  row 'RSS after the flood, ours' offers_rss MiB
  for window in 1 16; do
    table_head "pxe: TFTP, blocks of $PXE_BLOCK, windowsize $window"
    for clients in 1 16 128; do
      for server in $PXE_SERVERS; do row "$clients clients, $server" "tftp_w${window}_${clients}_$server" MiB/s; done
    done
  done
  table_head 'pxe: lines and storms, ours'
  row '1 MiB over 10 ms, no window' line_w1 MiB/s
  row '1 MiB over 10 ms, windowsize 16' line_w16 MiB/s
  row '4 x 8 MiB, 1 % lost' loss_seconds s
  row '4 x 8 MiB, 5 % lost, 1 % twice, 2 % reordered, w 16' bad_seconds s
  row '4 x 8 MiB, the same over 20 +- 5 ms each way' far_seconds s
  row "10000 DISCOVERs a second: lost" load_drop %
  row '10000 DISCOVERs a second: mean' load_mean ms
  row '10000 DISCOVERs a second: longest' load_max ms
  row "$PXE_AVALANCHE machines switched on at once: all offered after" avalanche_seconds s
  row '50000 packets of rubbish a second: 20 machines offered after' rubbish_seconds s
  row '5000 forged requests a second: 1 MiB fetched in' requests_seconds s
  row '5000 forged requests a second: octets back for one' requests_amplified ''
  row "$PXE_CROWD transfers of 1 MiB at once" crowd_rate MiB/s
  row 'HTTP: 1 GiB to one client' download_rate MB/s
  row "HTTP: 200 MB to each of $PXE_DOWNLOADS at once" downloads_rate MB/s
  row "$PXE_STORM machines at once: served" storm_served ''
  row "$PXE_STORM machines at once: time" storm_seconds s
  row "$PXE_STORM machines at once: CPU" storm_cpu s
  row "$PXE_STORM machines at once: RSS" storm_rss MiB
}

# Reasons for the bounds: README.md.
pxe_figures() {
  local window clients best
  sample offers_ratio "$(ratio offers_ours offers_dnsmasq)"
  figure offers_ratio x '>=' 1
  sample offer_p99 "$(median offer_p99_ours)"
  figure offer_p99 ms '<' 5
  sample unanswered "$(median unanswered_ours)"
  figure unanswered offers '<=' 0
  for window in 1 16; do
    for clients in 1 16 128; do
      best=$(for server in dnsmasq hpa atftpd; do echo "$(median "tftp_w${window}_${clients}_$server") tftp_w${window}_${clients}_$server"; done | sort -g | tail -n 1)
      sample "tftp_w${window}_${clients}_ratio" "$(ratio "tftp_w${window}_${clients}_ours" "${best#* }")"
      figure "tftp_w${window}_${clients}_ratio" x '>=' 1
    done
  done
  figure line_gain x '>=' 8
  figure loss_seconds s '<=' 15
  figure storm_served machines '>=' $PXE_STORM
  figure load_drop % '<=' 0.01
  figure load_mean ms '<=' 0.5
  figure load_max ms '<=' 10
  figure load_growth MiB '<=' 8
  figure avalanche_seconds s '<=' 10
  figure rubbish_offered machines '>=' 20
  figure rubbish_seconds s '<=' 4
  figure rubbish_lines 1/s '<=' 10
  figure rubbish_growth MiB '<=' 16
  figure requests_seconds s '<=' 5
  figure requests_amplified x '<=' 10
  figure requests_growth MiB '<=' 32
  figure crowd_served transfers '>=' $PXE_CROWD
  figure crowd_growth MiB '<=' 64
  figure download_rate MB/s '>=' 400
  sample downloads_share "$(ratio downloads_rate download_rate)"
  figure downloads_share of_one '>=' 0.8
  figure downloads_growth MiB '<=' 64
  figures_print
}

# ratio OURS OTHER: of their medians.
ratio() { awk -v ours="$(median "$1")" -v other="$(median "$2")" 'BEGIN { printf "%.3f\n", ours / other }'; }
