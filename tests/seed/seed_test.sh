#!/bin/bash
# A tentacle at a backend that knows the product specification and nothing else (seed_backend.py): no ids, no
# acknowledgements, no tables with a revision. Everything of the specification works, also over a cut line.
#
#   tests/seed/seed_test.sh
#
# Runs the real tentacle in the lab's branch office, with two machines that are played, and with the clients of
# Debian: udhcpc, tftp-hpa, atftp, curl. The program is that of
# BUILD_PRESET (dev unless set). Prints "ok - ..." or "not ok - ..." for each check.
set -uo pipefail

export BUILD_PRESET=${BUILD_PRESET:-dev}
REPO=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=scripts/lib/say.sh
. "$REPO/scripts/lib/say.sh"
# shellcheck source=scripts/lib/build.sh
. "$REPO/scripts/lib/build.sh"
# shellcheck source=scripts/lib/lab.sh
. "$REPO/scripts/lib/lab.sh"
# shellcheck source=scripts/lib/stack.sh
. "$REPO/scripts/lib/stack.sh"
# shellcheck source=tests/seed/seed_steps.sh
. "$REPO/tests/seed/seed_steps.sh"

# The two machines; the lab makes and removes what is in its list.
LAB_NAMESPACES="$LAB_NAMESPACES tt-pc1 tt-pc2"
IMAGE_BYTES=6000000
PULL_CUT_AT=2500000
PATIENCE_S=60   # For anything to come about; with sanitizers on a loaded machine it takes a while.
FAILED=0

main() {
  [ "$(id -u)" = 0 ] || {
    echo 'seed_test: root is needed for network namespaces'
    exit 77
  }
  TEMP=$(mktemp -d /tmp/tentacle-test.XXXXXX)
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  set_up || exit 1
  enrollment
  connection
  image
  installation
  real_clients
  configuration
  cancellation
  cut_line
  backend_away
  said_again
  nothing_wrong
  example_of_the_specification
  if [ "$FAILED" != 0 ]; then show_logs; fi
  [ "$FAILED" = 0 ]
  exit $?
}

# shellcheck disable=SC2317  # Called by the trap.
clean_up() {
  local code=$?
  trap '' INT TERM
  lab_down   # Not the lab of somebody else.
  if [ -n "${KEEP-}" ]; then echo "kept: $TEMP"; else rm -rf "$TEMP"; fi
  exit "$code"
}

show_logs() {
  show_tail "$LAB_DIR/seed.log" 40
  show_tail "$LAB_DIR/tentacle.log" 60
  seen '.faults, (.received | map(select(.message.type | test("^(status|task.status|boot|image.cached)"))))' >&2
}

# check TEXT COMMAND...
check() {
  local text=$1
  shift
  if "$@" >"$TEMP/check.log" 2>&1; then
    echo "ok - $text"
  else
    echo "not ok - $text"
    sed 's/^/#   /' "$TEMP/check.log" | tail -n 20
    FAILED=$((FAILED + 1))
  fi
}

fails() { ! "$@"; }

# comes TEXT COMMAND...: a check that may take its time.
comes() {
  local text=$1
  shift
  check "$text" wait_for "$PATIENCE_S" "$@"
}

set_up() {
  local file
  STACK_DIR=$TEMP
  lab_up "$TEMP/lab" || return 1
  stack_remove_old_run
  printf '%s\n' "$TEMP" >"$LAB_STATE/folder"
  plug_machine 1 && plug_machine 2 || return 1
  mkdir -p "$TEMP/images" "$TEMP/state/cache/boot/ramdisk" "$TEMP/run"
  head -c "$IMAGE_BYTES" /dev/urandom >"$TEMP/images/5"
  head -c 300000 /dev/urandom >"$TEMP/images/6"
  # Boot files are not what is tested here; only that they are handed out whole.
  for file in undionly.kpxe ipxe.efi snponly.efi ramdisk/vmlinuz ramdisk/initrd.img; do
    printf 'boot file %s\n' "$file" >"$TEMP/state/cache/boot/$file"
  done
  head -c 300001 /dev/urandom >"$TEMP/state/cache/boot/snponly.efi"   # Some hundred blocks of TFTP.
  lab_start seed - python3 -B "$REPO/tests/seed/seed_backend.py" --listen "$LAB_BACKEND_ADDRESS" \
    --images "$TEMP/images" --token seed-token --ports "$TEMP/ports"
  wait_for "$PATIENCE_S" test -s "$TEMP/ports" || {
    echo 'seed_test: the seed backend did not start' >&2
    show_tail "$LAB_DIR/seed.log"
    return 1
  }
  read -r SEED_PORT CONTROL_PORT <"$TEMP/ports"
  SEED_URL=http://$LAB_BACKEND_ADDRESS:$SEED_PORT
  CONTROL_URL=http://127.0.0.1:$CONTROL_PORT
}

# plug_machine NUMBER: a machine of the branch office, 10.77.0.2N with MAC 52:54:00:65:d5:0N.
plug_machine() {
  local namespace=tt-pc$1
  lab_plug "$namespace" "pc$1" "10.77.0.2$1/24" &&
    ip -n "$namespace" link set "$LAB_LAN_DEVICE" address "$(mac_of "$1")"
}

mac_of() { printf '52:54:00:65:d5:0%s' "$1"; }

# Short delays between attempts: nothing here is about a thousand tentacles at once.
start_tentacle() {
  lab_start tentacle tt-tent env TENTACLE_STATE_DIR="$TEMP/state" TENTACLE_RUN_DIR="$TEMP/run" \
    TENTACLE_PXE_INTERFACES="$LAB_LAN_DEVICE" TENTACLE_DISCOVERY_INTERFACES="$LAB_LAN_DEVICE" \
    TENTACLE_UPLINK_PING_INTERVAL_S=2 TENTACLE_UPLINK_BACKOFF_BASE_MS=100 \
    TENTACLE_UPLINK_BACKOFF_CAP_MS=1000 "$TENTACLE_BIN" all
}

# control PATH [BODY]: tells the seed backend something.
control() { curl -fsS --max-time 15 -X POST "$CONTROL_URL$1" --data-binary "${2-}"; }

# send JSON: a message down.
send() { control /send "$1"; }

# seen FILTER: what jq finds in what came so far. As a condition it holds unless that is null or false.
seen() { curl -fsS --max-time 10 "$CONTROL_URL/seen" | jq -ec "$1"; }

# received FILTER: a message came, in any connection, for which the filter holds.
received() { seen "any(.received[].message; $1)"; }

# status_came TASK STATUS
status_came() { received ".type == \"task.status\" and .taskId == \"$1\" and .status == \"$2\""; }

# on_machine NUMBER COMMAND...
on_machine() {
  local namespace=tt-pc$1
  shift
  ip netns exec "$namespace" "$@"
}

# web_status NUMBER PATH [PORT]: prints what a machine gets.
web_status() {
  on_machine "$1" curl -sS --max-time 10 -o "$TEMP/body" -w '%{http_code}' \
    "http://$LAB_TENTACLE_ADDRESS:${3-9080}$2"
}

script_goes_to_the_disk() {
  on_machine "$1" curl -fsS --max-time 10 "http://$LAB_TENTACLE_ADDRESS:9080/boot.ipxe?mac=$(mac_of "$1")" |
    grep -q 'starting from the disk'
}

script_is() { [ "$(web_status "$1" "/boot.ipxe?mac=$(mac_of "$1")")" = "$2" ]; }

main "$@"
