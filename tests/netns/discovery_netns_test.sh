#!/bin/bash
# A real segment: four namespaces on a bridge, the discovery service in one of them. A sweep must find
# exactly the hosts that are there, a magic packet must arrive, open ports must be told and excluded hosts
# left alone, and without CAP_NET_RAW the service must stay up and say what to do.
#
#   discovery_netns_test.sh OCTOFLEET_TENTACLE DISCOVERY_CLIENT
#
# Exit code 77: skipped, with the reason.
set -euo pipefail

tentacle=$1
client=$2
here=$(cd "$(dirname "$0")" && pwd)

skip() { echo "SKIPPED: $1"; exit 77; }
[ "$(id -u)" = 0 ] || skip "network namespaces need root"
for tool in ip python3 setpriv curl jq; do
  command -v "$tool" >/dev/null || skip "$tool is not installed"
done
unshare --net true 2>/dev/null || skip "this host does not allow network namespaces"
[ -x "$tentacle" ] || { echo "FAILED: $tentacle is not built"; exit 1; }

# Several runs side by side do not meet.
tag=tt-d$$
scratch=$(mktemp -d)
service_pid=
helper_pids=()

# The exit code is the service's: a sanitizer's report is one that is not 0.
stop_service() {
  [ -n "$service_pid" ] || return 0
  local code=0
  kill -TERM "$service_pid" 2>/dev/null || true
  wait "$service_pid" 2>/dev/null || code=$?
  service_pid=
  return $code
}

clean_up() {
  local code=$?
  trap - EXIT
  stop_service || true
  for pid in "${helper_pids[@]}"; do
    kill "$pid" 2>/dev/null || true
  done
  for name in switch tentacle near far foreign beyond; do
    ip netns del "$tag-$name" 2>/dev/null || true
  done
  if [ $code -ne 0 ] && [ $code -ne 77 ] && [ -f "$scratch/log" ]; then
    echo "--- the service's log"; tail -40 "$scratch/log"
  fi
  rm -rf "$scratch"
  exit $code
}
trap clean_up EXIT
trap 'exit 130' INT TERM

fail() { echo "FAILED: $1"; exit 1; }
expect() {  # expect WHAT WANTED GOT
  [ "$2" = "$3" ] || fail "$1
  wanted: $2
  got:    $3"
  echo "ok: $1"
}
in_ns() { ip netns exec "$tag-$1" "${@:2}"; }

plug_in() {  # plug_in NAME ADDRESS/PREFIX
  ip netns add "$tag-$1"
  ip -n "$tag-switch" link add "p-$1" type veth peer name eth0 netns "$tag-$1"
  ip -n "$tag-switch" link set "p-$1" master br0 up
  ip -n "$tag-$1" link set lo up
  ip -n "$tag-$1" link set eth0 up
  ip -n "$tag-$1" addr add "$2" dev eth0
}
mac_of() { in_ns "$1" cat /sys/class/net/eth0/address; }

ip netns add "$tag-switch"
ip -n "$tag-switch" link add br0 type bridge
ip -n "$tag-switch" link set br0 up
plug_in tentacle 10.77.0.1/24
plug_in near 10.77.0.11/24
plug_in far 10.77.0.254/24
plug_in foreign 10.99.0.7/24

export TENTACLE_STATE_DIR=$scratch/state TENTACLE_RUN_DIR=$scratch/run
mkdir -p "$TENTACLE_STATE_DIR" "$TENTACLE_RUN_DIR"
cat > "$TENTACLE_STATE_DIR/config.yaml" <<'YAML'
discovery:
  scan_interval_min: 0
  probes_per_second: 1000
YAML
socket=$TENTACLE_RUN_DIR/discovery.sock

start_service() {  # start_service [PREFIX COMMAND...]
  # Not through a function: its process id would be a subshell's.
  ip netns exec "$tag-tentacle" "$@" "$tentacle" discovery >> "$scratch/log" 2>&1 &
  service_pid=$!
}
ask() { "$client" "$socket" "$@"; }
metric() { in_ns tentacle curl -s http://127.0.0.1:9474/metrics | grep -F "$1 " | sed 's/.* //'; }
readyz() { in_ns tentacle curl -s http://127.0.0.1:9474/readyz; }

wait_log() {  # wait_log LINE TEXT: until TEXT stands in the service's log, at LINE or later
  local lines line tail_pid code=1
  exec {lines}< <(exec tail -n "+$1" -f "$scratch/log")
  tail_pid=$!
  while read -r -t 60 line <&"$lines"; do
    [[ $line != *"$2"* ]] || { code=0; break; }
  done
  kill "$tail_pid"
  exec {lines}<&-
  return $code
}
segments_to() { in_ns "$1" awk '$1 == "Tcp:" && $2 != "RtoAlgorithm" { print $11 }' /proc/net/snmp; }

near="device $(mac_of near) 10.77.0.11 eth0"
far="device $(mac_of far) 10.77.0.254 eth0"

start_service
expect "a sweep of a /24 asks 253 addresses and finds exactly the live hosts" \
  "targets 253
asked 253
$near
$far" "$(ask scan first)"

ip -n "$tag-near" link set eth0 down
expect "a host that has left is not in the next result" \
  "targets 253
asked 253
$far" "$(ask scan second)"
expect "but it is remembered" "$near
$far" "$(ask list)"

stop_service || fail "the service stopped with exit code $?"
start_service
expect "also after a restart" "$near
$far" "$(ask list)"

target=$(mac_of far)
exec {heard}< <(in_ns far python3 "$here/hear_wake.py" eth0 $target raw udp-limited udp-subnet)
read -r -t 30 state <&"$heard" || fail "nobody listens"
expect "a machine listens for its magic packet" "listening" "$state"
# Each round is one raw frame and four datagrams.
expect "a wake is three rounds and is told with the command's id" "packets 15
told $target 15" "$(ask wake $target wake-1)"
expect "the magic packet arrives in all three ways" "heard raw
heard udp-limited
heard udp-subnet" "$(sort <&"$heard")"

exec {heard}<&-
exec {heard}< <(in_ns far python3 "$here/hear_wake.py" eth0 "$target/00:1b:2c:3d:4e:5f" raw udp-limited udp-subnet)
read -r -t 30 state <&"$heard" || fail "nobody listens"
# One machine is woken once a second at most.
until woken=$(ask wake "$target" wake-4 00:1b:2c:3d:4e:5f) || [[ $woken != *"less than a second"* ]]; do :; done
expect "a machine is woken with its SecureOn password" "packets 15
told $target 15" "$woken"
expect "the password stands behind the magic packet, in all three ways" "heard raw
heard udp-limited
heard udp-subnet" "$(sort <&"$heard")"
expect "what is no password is refused, without repeating it" \
  "refused 3 the password: want six octets like a MAC or four like an address" "$(ask wake "$target" wake-5 hunter2 || true)"
! grep -q -e hunter2 -e 00:1b:2c:3d:4e:5f "$scratch/log" || fail "a password is in the log"
echo "ok: no password is in the log"

expect "who was never heard here is not woken" "refused 5" \
  "$(ask wake 52:54:00:77:77:77 wake-0 | cut -d' ' -f1,2)"
expect "a group is not woken" "refused 3" "$(ask wake 01:00:5e:00:00:01 wake-2 | cut -d' ' -f1,2)"

expect "the configuration is applied without a restart" "revision 1" \
  "$(ask config 1 '{"discovery":{"enabled":false}}')"
expect "switched off, a sweep is refused with the reason" \
  "refused 9 discovery is switched off (discovery.enabled is false)" "$(ask scan off || true)"
expect "and on again" "revision 2" "$(ask config 2 '{"discovery":{"enabled":true}}')"
ask scan again | grep -q "^$far\$" || fail "a sweep after switching on finds nobody"
echo "ok: a sweep works again"

# What greets, what does not, and what is closed.
exec {listening}< <(exec ip netns exec "$tag-near" python3 -c '
import socket
def listen(port):
    s = socket.create_server(("", port)); return s
greeter, mute, odd = listen(22), listen(443), listen(8002)
print("listening", flush=True)
kept = []
while True:
    one, _ = greeter.accept()
    one.sendall(b"SSH-2.0-lab\x1b[31m\r\nmore")
    kept.append(one)')
helper_pids+=($!)
read -r -t 30 state <&"$listening" || fail "nobody listens"
ip -n "$tag-near" link set eth0 up
expect "ports are looked at when the configuration names them" "revision 3" \
  "$(ask config 3 '{"discovery":{"enabled":true,"ports":["20-25","443","8000-8003"]}}')"
from=$(($(wc -l < "$scratch/log") + 1))
ask scan ports | grep -q "^$near\$" || fail "a sweep does not find who has come back"
expect "exactly the open ports are told, with names and a clean greeting" "port 22 ssh SSH-2.0-lab [31m
port 443 https
port 8002 " "$(ask ports "$(mac_of near)")"
wait_log "$from" discovery.port_scan_finished || fail "the port scan does not end"
expect "every port of a host was knocked at, once" "11" "$(segments_to far)"
expect "and counted" "3 19" "$(metric 'tentacle_discovery_port_probes_total{outcome="open"}') $(metric 'tentacle_discovery_port_probes_total{outcome="closed"}')"

# Counters are doubles; a line that is not there fails the comparison.
expect "questions that were sent are counted" "yes" \
  "$(metric 'tentacle_discovery_probes_total{outcome="sent"}' | awk '{ print ($1 > 253) ? "yes" : "no" }')"
expect "and so are the packets of both wakes" "6" \
  "$(metric 'tentacle_discovery_wake_packets_total{method="raw",outcome="sent"}')"
stop_service || fail "the service stopped with exit code $?"

cat >> "$TENTACLE_STATE_DIR/config.yaml" <<'YAML'
  exclude: [10.77.0.254]
YAML
before=$(segments_to far)
from=$(($(wc -l < "$scratch/log") + 1))
start_service
# An excluded host that speaks by itself is known, and left alone all the same.
ip netns exec "$tag-far" python3 -c '
import socket, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(("eth0", 0))
mac = s.getsockname()[4]
while True:
    s.send(b"\xff" * 6 + mac + bytes.fromhex("08060001080006040001") + mac + bytes([10, 77, 0, 254]) + bytes(6) + bytes([10, 77, 0, 253]))
    time.sleep(0.05)' &
helper_pids+=($!)
ask scan excluded | grep -q "^$far\$" || fail "who speaks by itself is not heard"
wait_log "$from" discovery.port_scan_finished || fail "the port scan does not end"
expect "an excluded host that speaks is known, and no port of it is knocked at" "$before" "$(segments_to far)"
kill "${helper_pids[-1]}"
stop_service || fail "the service stopped with exit code $?"

# A second segment, on a second interface.
ip netns add "$tag-beyond"
ip -n "$tag-beyond" link add eth0 type veth peer name eth1 netns "$tag-tentacle"
ip -n "$tag-tentacle" addr add 10.78.0.1/24 dev eth1
ip -n "$tag-tentacle" link set eth1 up
ip -n "$tag-beyond" addr add 10.78.0.20/24 dev eth0
ip -n "$tag-beyond" link set eth0 up
cat >> "$TENTACLE_STATE_DIR/config.yaml" <<'YAML'
  ping_targets: [devices]
  ping_interval_s: 1
YAML
start_service
expect "two segments are swept, each by its own interface" \
  "targets 505
asked 505
$near
device $(mac_of beyond) 10.78.0.20 eth1" "$(ask scan both | grep -v "^$far\$")"
expect "and asked from the address that we have there" "$(in_ns tentacle cat /sys/class/net/eth1/address)" \
  "$(in_ns beyond ip -4 neigh show 10.78.0.1 | sed 's/.*lladdr \([^ ]*\).*/\1/')"
# pings IP FILTER: until what is known of the address's pings is so
pings() {
  local until=$((SECONDS + 60))
  until in_ns tentacle "$tentacle" devices --format json | jq -e ".devices[] | select(.ip == \"$1\").availability | . != null and $2" >/dev/null; do
    [ $SECONDS -lt $until ] || fail "pings of $1 are not $2"
  done
}
pings 10.78.0.20 '(.lossPercent // 0) == 0 and .roundTripMs > 0'
pings 10.77.0.11 '(.lossPercent // 0) == 0 and .roundTripMs > 0'
echo "ok: the devices of both segments are pinged"
ip -n "$tag-beyond" link set eth0 down
pings 10.78.0.20 '(.lossPercent // 0) > 0 and (.hourPercent // 0) < 100'
echo "ok: one that does not answer any more loses its availability"
pings 10.77.0.11 '(.lossPercent // 0) == 0 and .hourPercent == 100'
echo "ok: and no other does"
stop_service || fail "the service stopped with exit code $?"
ip -n "$tag-tentacle" link del eth1
sed -i '/ping_/d' "$TENTACLE_STATE_DIR/config.yaml"

start_service setpriv --bounding-set=-net_raw --inh-caps=-net_raw
refusal=$(ask scan unprivileged || true)
[[ $refusal == "refused 9 interface eth0: capturing needs CAP_NET_RAW"* ]] ||
  fail "without CAP_NET_RAW: $refusal"
echo "ok: without CAP_NET_RAW a sweep is refused with what to do"
[[ $(readyz) == *CAP_NET_RAW* ]] || fail "/readyz does not name the capability: $(readyz)"
echo "ok: /readyz names the capability"
expect "a wake still goes out by UDP" "packets 12
told $target 12" "$(ask wake $target wake-3)"
stop_service || fail "the service stopped with exit code $?"
echo "PASSED"
