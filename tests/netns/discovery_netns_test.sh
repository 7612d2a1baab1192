#!/bin/bash
# A real segment: four namespaces on a bridge, the discovery service in one of them. A sweep must find
# exactly the hosts that are there, a magic packet must arrive, and without CAP_NET_RAW the service must
# stay up and say what to do.
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
for tool in ip python3 setpriv curl; do
  command -v "$tool" >/dev/null || skip "$tool is not installed"
done
unshare --net true 2>/dev/null || skip "this host does not allow network namespaces"
[ -x "$tentacle" ] || { echo "FAILED: $tentacle is not built"; exit 1; }

# Several runs side by side do not meet.
tag=tt-d$$
scratch=$(mktemp -d)
service_pid=

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
  for name in switch tentacle near far foreign; do
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
# Counters are doubles; a line that is not there fails the comparison.
expect "questions that were sent are counted" "yes" \
  "$(metric 'tentacle_discovery_probes_total{outcome="sent"}' | awk '{ print ($1 > 253) ? "yes" : "no" }')"
expect "and so are the packets of the wake" "3" \
  "$(metric 'tentacle_discovery_wake_packets_total{method="raw",outcome="sent"}')"
stop_service || fail "the service stopped with exit code $?"

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
