#!/bin/bash
# Machines that install themselves while the pxe service is killed with SIGKILL at random moments, again and again, and
# started anew: every machine comes to its end, no report that was acknowledged is missing at the backend, and the records
# of the boots outlive it all.
#
#   tests/seed/kill_test.sh [SEED]
#
# The moments are chosen by SEED among the steps of the machines. The program is that of BUILD_PRESET (dev unless set).
# Prints "ok - ..." or "not ok - ..." for each check.
# shellcheck disable=SC2317  # check and comes call the functions here.
set -uo pipefail

export BUILD_PRESET=${BUILD_PRESET:-dev}
REPO=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/seed/seed_lab.sh
. "$REPO/tests/seed/seed_lab.sh"

MACHINES=6
IMAGE_BYTES=300000
SEED=${1:-4}
ONE_IN=5            # Steps of machines, of which one brings a kill.
SILENCE_S=180       # Nothing happens any more: a machine is stuck.
KILLS=0
ENDED=0

main() {
  begin
  check 'a tentacle enrolls' in_branch "$TENTACLE_BIN" enroll --backend "$SEED_URL" --token seed-token --name 'Seed Office'
  # Each by itself: a supervisor waits longer and longer for a service that dies again and again.
  local service machine
  for service in uplink cache pxe; do start_service "$service"; done
  comes 'it connects' seen .online
  comes 'all of them are ready' services_ready
  send '{"type":"image.prepull","imageId":"5"}'
  comes 'the image is here' received '.type == "image.cached" and .imageId == "5"'
  for machine in $(seq $MACHINES); do send "$(task "$machine" "10$machine")"; done
  for machine in $(seq $MACHINES); do comes "the task of machine $machine is taken" test -s "$(task_file "$machine")"; done
  boots_and_kills
  check "pxe was killed at $KILLS moments (seed $SEED)" [ "$KILLS" -ge 5 ]
  for machine in $(seq $MACHINES); do machine_has_arrived "$machine"; done
  records_are_kept
  check 'every message was one of the documents' seen '.faults == []'
  finish
}

services_ready() {
  local port
  for port in 9471 9472 9473; do
    in_branch curl -fsS --max-time 2 "http://127.0.0.1:$port/readyz" || return 1
  done
}

task_file() { printf '%s/state/tasks/52-54-00-65-d5-0%s.json' "$TEMP" "$1"; }

# Machines write their steps into a pipe; what is read there decides when the service dies.
boots_and_kills() {
  local machine line
  mkfifo "$TEMP/steps"
  exec 8<>"$TEMP/steps"
  RANDOM=$SEED
  for machine in $(seq $MACHINES); do
    lab_start "machine$machine" "tt-pc$machine" python3 -B "$REPO/tests/seed/boot_machine.py" "$machine" "$LAB_LAN_DEVICE" \
      "$(mac_of "$machine")" "10.77.0.2$machine" "$LAB_TENTACLE_ADDRESS" "$TEMP/steps"
  done
  while [ $ENDED -lt $MACHINES ] && read -rt "$SILENCE_S" -u 8 line; do
    printf '%s\n' "$line" >>"$TEMP/journal"
    [[ $line != *'taken done' ]] || ENDED=$((ENDED + 1))
    [ $((RANDOM % ONE_IN)) -ne 0 ] || kill_pxe
  done
  exec 8>&-
  check 'every machine came to its end' [ $ENDED -eq $MACHINES ]
}

kill_pxe() {
  local pid
  # While it starts again it may be killed, too.
  pid=$(lab_pid pxe) && kill -KILL "$pid" && KILLS=$((KILLS + 1))
  while lab_pid pxe >/dev/null; do read -rt 0.01 <> <(:) || true; done
  start_service pxe
}

# machine_has_arrived NUMBER
machine_has_arrived() {
  local event
  comes "machine $1: the backend knows that it is complete" status_came "10$1" complete
  for event in booted downloading partitioning applying configuring firstboot; do
    check "machine $1: its report '$event' was taken" grep -qx "$1 taken $event" "$TEMP/journal"
    comes "machine $1: its report '$event' has reached the backend" \
      received ".type == \"task.status\" and .taskId == \"10$1\" and .stage == \"$event\""
  done
  check "machine $1: no status came behind its last" seen "[.received[].message | select(.type == \"task.status\" and
    .taskId == \"10$1\").status] | .[0] == \"waiting\" and .[-1] == \"complete\" and
    (index(\"failed\") or index(\"cancelled\") | not)"
  check "machine $1: its task file says so, too" jq -e '.progress.status == "complete"' "$(task_file "$1")"
  check "machine $1: it is sent to its disk" script_goes_to_the_disk "$1"
}

script_goes_to_the_disk() {
  on_machine "$1" curl -fsS --retry 20 --retry-connrefused --retry-delay 1 --max-time 60 \
    "http://$LAB_TENTACLE_ADDRESS:9080/boot.ipxe?mac=$(mac_of "$1")" | grep -q 'starting from the disk'
}

# The record of each boot has its end and its stages; another kill changes nothing.
records_are_kept() {
  local machine
  comes 'pxe is ready again' services_ready
  for machine in $(seq $MACHINES); do
    check "machine $machine: its record tells the boot to its end" record_is_whole "$machine"
  done
  in_branch "$TENTACLE_BIN" boots --all >"$TEMP/before"
  kill_pxe
  comes 'pxe is ready after one more kill' services_ready
  check 'the records of all boots are the same' records_are_the_same
}

record_is_whole() {
  local step
  in_branch "$TENTACLE_BIN" boots "$(mac_of "$1")" >"$TEMP/record" || return 1
  cat "$TEMP/record"
  # What came before the script was answered at once, and is written down a moment later.
  for step in script orders booted configuring 'the machine runs its new system'; do
    grep -q "$step" "$TEMP/record" || return 1
  done
}

records_are_the_same() {
  in_branch "$TENTACLE_BIN" boots --all >"$TEMP/after" && diff "$TEMP/before" "$TEMP/after"
}

main "$@"
