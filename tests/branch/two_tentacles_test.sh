#!/bin/bash
# Two tentacles in one segment that share the task of a machine (bar B6, docs/adr/0021): the owner answers, the standby
# when the owner does not, and what one has installed the other does not install once more.
#
#   tests/branch/two_tentacles_test.sh
#
# Runs in the lab's branch office; the machine is played. The programs are those of BUILD_PRESET (dev unless set).
# Prints "ok - ..." or "not ok - ..." for each check.
# shellcheck disable=SC2034,SC2153,SC2317  # Names in capitals are shared with scripts/lib; check and comes call functions.
set -uo pipefail

export BUILD_PRESET=${BUILD_PRESET:-dev}
REPO=$(cd "$(dirname "$0")/../.." && pwd)
for part in say check build postgres lab stack; do
  # shellcheck disable=SC1090
  . "$REPO/scripts/lib/$part.sh"
done

LAB_NAMESPACES="$LAB_NAMESPACES tt-pc1 tt-two"
MAC=52:54:00:65:d6:01
SECOND_ADDRESS=10.77.0.3
PATIENCE_S=60
FAILED=0

main() {
  [ "$(id -u)" = 0 ] || {
    echo 'two_tentacles_test: root is needed for network namespaces'
    exit 77
  }
  TEMP=$(mktemp -d /tmp/tentacle-test.XXXXXX)
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  set_up || exit 1
  the_owner_answers
  the_standby_takes_over
  who_comes_back_installs_nothing
  if [ "$FAILED" != 0 ]; then stack_show_logs; fi
  [ "$FAILED" = 0 ]
  exit $?
}

# shellcheck disable=SC2317  # Called by the trap.
clean_up() {
  local code=$?
  trap '' INT TERM
  lab_stop second 2>/dev/null
  stack_down
  if [ -n "${KEEP-}" ]; then echo "kept: $TEMP"; else rm -rf "$TEMP"; fi
  exit "$code"
}

set_up() {
  STACK_DIR=$TEMP/stack
  IMAGE_DIR=$TEMP/images
  WEB_DIR=$TEMP/web
  mkdir -p "$IMAGE_DIR" "$WEB_DIR"
  head -c 5000000 /dev/urandom >"$IMAGE_DIR/disk.raw"
  SECOND_ENVIRONMENT=(TENTACLE_STATE_DIR="$STACK_DIR/state2" TENTACLE_RUN_DIR="$STACK_DIR/run2"
    TENTACLE_PXE_INTERFACES="$LAB_LAN_DEVICE" TENTACLE_DISCOVERY_INTERFACES="$LAB_LAN_DEVICE")
  lab_played_boot_files "$STACK_DIR/state"
  lab_played_boot_files "$STACK_DIR/state2"
  lab_up "$STACK_DIR/lab" || return 1
  stack_remove_old_run
  printf '%s\n' "$STACK_DIR" >"$LAB_STATE/folder"
  lab_plug tt-pc1 pc1 10.77.0.21/24 && ip -n tt-pc1 link set "$LAB_LAN_DEVICE" address "$MAC" &&
    stack_database && stack_backend && stack_enroll && stack_tentacle && second_tentacle && image
}

# On the same segment, with a line of its own.
second_tentacle() {
  lab_plug tt-two two "$SECOND_ADDRESS/24" &&
    ip link add tt-wan2 type veth peer name wan0 netns tt-two && ip addr add 10.78.0.5/30 dev tt-wan2 &&
    ip link set tt-wan2 up && ip -n tt-two addr add 10.78.0.6/30 dev wan0 && ip -n tt-two link set wan0 up || return 1
  local token
  token=$(api POST /api/v1/enrollment-tokens '{"maxUses":1}' | jq -r .token) || return 1
  mkdir -p "$STACK_DIR/run2"
  at_second "$TENTACLE_BIN" enroll --backend "http://10.78.0.5:$BACKEND_PORT" --token "$token" --name 'Berlin Two' \
    >>"$LAB_DIR/enroll.log" 2>&1 || return 1
  lab_start second tt-two env "${SECOND_ENVIRONMENT[@]}" "$TENTACLE_BIN" all
  wait_for "$PATIENCE_S" both_online && SECOND_ID=$(tentacle_id 'Berlin Two') && FIRST_ID=$(tentacle_id "$TENTACLE_NAME")
}

at_second() { ip netns exec tt-two env "${SECOND_ENVIRONMENT[@]}" "$@"; }

both_online() { api GET /api/v1/tentacles | jq -e '.tentacles | length == 2 and all(.online)'; }

tentacle_id() { api GET /api/v1/tentacles | jq -er ".tentacles[] | select(.name == \"$1\").id"; }

image() {
  IMAGE_NAME=disk.raw
  register_image
}

on_machine() { ip netns exec tt-pc1 "$@"; }

attempts() { on_machine python3 "$REPO/tests/branch/attempts.py" "$LAB_LAN_DEVICE" "$MAC" "$1" >"$TEMP/attempts"; }

# answered N ADDRESS: the attempt by nobody (-), or by this one alone.
answered() {
  cat "$TEMP/attempts"
  [ "$(sed -n "${1}p" "$TEMP/attempts" | cut -d' ' -f1)" = "$2" ]
}

order_task() {
  TASK_ID=$(api POST /api/v1/provisioning/tasks "$(jq -n --arg image "$IMAGE_ID" --arg own "$FIRST_ID" \
    --arg standby "$SECOND_ID" --arg mac "$MAC" '{mac: $mac, hostname: "played", imageId: $image, osType: "linux-image",
      platform: "kvm-libvirt", tentacleId: $own, standbyTentacleId: $standby, network: {dhcp: true}}')" | jq -r .id)
  wait_for "$PATIENCE_S" known_to state && wait_for "$PATIENCE_S" known_to state2
}

known_to() { compgen -G "$STACK_DIR/$1/tasks/*.json"; }

task() { api GET "/api/v1/provisioning/tasks/$TASK_ID" | jq -e "$1"; }

second_stands_by() { at_second "$TENTACLE_BIN" status | grep -q "$MAC.*(standby)"; }

# script_says ADDRESS TEXT
script_says() {
  on_machine curl -sS --max-time 20 "http://$1:9080/boot.ipxe?mac=$MAC" >"$TEMP/script"
  cat "$TEMP/script"
  grep -q "$2" "$TEMP/script"
}

the_owner_answers() {
  order_task || echo 'not ok - both tentacles have the task'
  check 'a machine asks' attempts 2
  check 'its owner alone answers the first attempt' answered 1 "$LAB_TENTACLE_ADDRESS"
  sed 's/^/# offered by, after ms: /' "$TEMP/attempts"
  check 'and the next' answered 2 "$LAB_TENTACLE_ADDRESS"
  check 'its status says that it stands by' second_stands_by
  check 'the standby has no script for it' script_says "$SECOND_ADDRESS" 'another tentacle of this network'
}

the_standby_takes_over() {
  lab_stop tentacle
  check 'the owner is gone, the machine asks again' attempts 4
  check 'the first attempt is left unanswered' answered 1 -
  check 'so is the second' answered 2 -
  check 'the standby answers the third' answered 3 "$SECOND_ADDRESS"
  sed 's/^/# offered by, after ms: /' "$TEMP/attempts"
  check 'and what comes then' answered 4 "$SECOND_ADDRESS"
  : >"$TEMP/journal"
  check 'the machine is installed from the standby' timeout 120 ip netns exec tt-pc1 \
    python3 "$REPO/tests/seed/boot_machine.py" 1 "$LAB_LAN_DEVICE" "$MAC" 10.77.0.21 "$SECOND_ADDRESS" "$TEMP/journal"
  comes 'the backend has it as complete' task '.status == "complete"'
  check 'and knows by whom' task ".tentacleId == \"$SECOND_ID\" and .standbyTentacleId == \"$FIRST_ID\""
  check 'and that it was taken over' task '[.timeline[].step] | index("takeover")'
}

# With what it knew before, and without its line: the machine has been installed meanwhile.
who_comes_back_installs_nothing() {
  ip -n tt-tent link set wan0 down
  start_first
  comes 'the first is back, without its line' first_serves
  check 'the machine asks once more' attempts 1
  check 'the first answers, for it knows no better' answered 1 "$LAB_TENTACLE_ADDRESS"
  check 'but has nothing for the machine' script_says "$LAB_TENTACLE_ADDRESS" 'waiting for the backend to say whose it is'
  ip -n tt-tent link set wan0 up
  comes 'with its line the task is gone' fails known_to state
  check 'nobody answers the machine any more' attempts 3
  check 'which starts from its disk' answered 3 -
  check 'the backend has it as complete still' task ".status == \"complete\" and .tentacleId == \"$SECOND_ID\""
}

start_first() {
  lab_start tentacle tt-tent env TENTACLE_STATE_DIR="$STACK_DIR/state" TENTACLE_RUN_DIR="$STACK_DIR/run" \
    TENTACLE_PXE_INTERFACES="$LAB_LAN_DEVICE" TENTACLE_DISCOVERY_INTERFACES="$LAB_LAN_DEVICE" "$TENTACLE_BIN" all
}

# The table of before is in force once uplink has pushed it.
first_serves() { in_branch "$TENTACLE_BIN" status | grep -q "$MAC"; }

main "$@"
