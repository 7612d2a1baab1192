#!/bin/bash
# The lab itself (scripts/lib/lab.sh): it comes up, hands out addresses, and leaves nothing behind,
# also after a run that was killed.
set -euo pipefail

REPO=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=scripts/lib/say.sh
. "$REPO/scripts/lib/say.sh"
# shellcheck source=scripts/lib/lab.sh
. "$REPO/scripts/lib/lab.sh"

[ "$(id -u)" = 0 ] || {
  echo 'lab_test: root is needed' >&2
  exit 1
}
TEMP=$(mktemp -d /tmp/tentacle-test.XXXXXX)
CHECKS_FAILED=0
# shellcheck disable=SC2317  # Called by the trap.
clean_up() {
  local code=$?
  [ -z "${OTHER-}" ] || kill -KILL "$OTHER" 2>/dev/null || true
  lab_down
  rm -rf "$TEMP"
  exit $code
}
trap clean_up EXIT
trap 'exit 130' INT TERM

check() {
  local text=$1
  shift
  if "$@"; then
    printf 'ok     %s\n' "$text"
  else
    printf 'FAILED %s\n' "$text"
    CHECKS_FAILED=$((CHECKS_FAILED + 1))
  fi
}

# What the host has of a lab: namespaces, devices, processes' records.
traces() {
  local namespace
  for namespace in $LAB_NAMESPACES; do
    [ ! -e "/run/netns/$namespace" ] || echo "namespace $namespace"
  done
  ip -o link show "$LAB_WAN_DEVICE" 2>/dev/null || true
  [ ! -e "$LAB_STATE" ] || find "$LAB_STATE" -type f
}

no_traces() { [ -z "$(traces)" ]; }

# A client on a port of its own gets an address of the office's pool, and no word about booting.
client_gets_address() {
  ip netns add tt-client
  ip -n tt-lan link add tt-p-client type veth peer name lan0 netns tt-client
  ip -n tt-lan link set tt-p-client master tt-br up
  ip -n tt-client link set lan0 up
  ip netns exec tt-client busybox udhcpc -i lan0 -n -q -t 5 -T 2 -s "$TEMP/script" \
    >"$TEMP/udhcpc.log" 2>&1 || true
  ip netns del tt-client
  grep -q '^ip=10\.77\.0\.1[0-9][0-9]$' "$TEMP/lease" &&
    ! grep -q -e '^boot_file=' -e '^tftp=' "$TEMP/lease"
}

wan_works() {
  ip netns exec tt-tent busybox ping -q -c 1 -W 5 "$LAB_BACKEND_ADDRESS" >/dev/null
}
other_is_gone() { ! lab_alive "$OTHER" "$OTHER_STARTED"; }
sleeper_is_gone() { ! lab_alive "$SLEEPER" "$SLEEPER_STARTED"; }
lab_refused() { ! lab_up "$TEMP/lab" 2>/dev/null; }

# shellcheck disable=SC2016  # $1 is for the script that is written.
printf '#!/bin/sh\n[ "$1" != bound ] || env >%s\n' "$TEMP/lease" >"$TEMP/script"
chmod +x "$TEMP/script"

lab_up "$TEMP/lab"
check 'a client gets an address and nothing about booting' client_gets_address
check 'tentacle and backend reach each other over the WAN' wan_works
check 'a second lab in the same script starts afresh' lab_up "$TEMP/lab"
lab_down
check 'nothing is left after lab_down' no_traces
check 'lab_down is harmless a second time' lab_down

# Another script brings its lab up and tells so; it is alive, so ours has to wait.
mkfifo "$TEMP/told"
# shellcheck disable=SC2016  # For the other shell.
bash -c '. "$1/scripts/lib/lab.sh"; lab_up "$2/other"; lab_start sleeper tt-lan sleep 1000
  echo up >"$2/told"; while :; do sleep 1; done' other "$REPO" "$TEMP" &
OTHER=$!
OTHER_STARTED=$(lab_start_time "$OTHER")
disown "$OTHER"   # Otherwise the shell would announce its death.
read -r _ <"$TEMP/told"
check 'a lab that is alive is not disturbed' lab_refused
SLEEPER=$(lab_pid sleeper)
SLEEPER_STARTED=$(lab_start_time "$SLEEPER")
kill -KILL "$OTHER"
wait_for 10 other_is_gone
OTHER=
check 'what a killed script left is cleared by the next one' lab_up "$TEMP/lab"
check 'its processes are gone' sleeper_is_gone
lab_down
check 'nothing is left at the end' no_traces

[ $CHECKS_FAILED -eq 0 ] || exit 1
echo 'all checks hold'
