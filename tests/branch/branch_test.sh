#!/bin/bash
# A tentacle and its real backend through what happens to a branch: an enrollment that is interrupted, services that
# die or hang, modes that change, devices of the segment, a backend that is away, a tentacle that is removed.
#
#   tests/branch/branch_test.sh [PART...]
#
# Parts: interrupted_enrollment (others need it), start, dying_services, hanging_service, swizzled_services, modes,
# segment, backend_away, removal; all of them unless named.
# Runs in the lab's branch office with one machine that is played. The programs are those of BUILD_PRESET (dev unless
# set). TENTACLE_TEST_KILLS is how often each service is killed (1), all are stopped (1), and an enrollment is killed (20).
# Prints "ok - ..." or "not ok - ..." for each check.
# shellcheck disable=SC2317  # check and comes call the functions here.
set -uo pipefail

export BUILD_PRESET=${BUILD_PRESET:-dev}
REPO=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=scripts/lib/say.sh
. "$REPO/scripts/lib/say.sh"
# shellcheck source=scripts/lib/check.sh
. "$REPO/scripts/lib/check.sh"
# shellcheck source=scripts/lib/build.sh
. "$REPO/scripts/lib/build.sh"
# shellcheck source=scripts/lib/postgres.sh
. "$REPO/scripts/lib/postgres.sh"
# shellcheck source=scripts/lib/lab.sh
. "$REPO/scripts/lib/lab.sh"
# shellcheck source=scripts/lib/stack.sh
. "$REPO/scripts/lib/stack.sh"

LAB_NAMESPACES="$LAB_NAMESPACES tt-pc1"
MAC=52:54:00:65:d6:01
SERVICES='uplink pxe cache discovery agent'
KILLS=${TENTACLE_TEST_KILLS:-1}
ENROLLMENT_KILLS=${TENTACLE_TEST_KILLS:-20}
PATIENCE_S=60   # For anything to come about; with sanitizers on a loaded machine it takes a while.
FAILED=0

main() {
  [ "$(id -u)" = 0 ] || {
    echo 'branch_test: root is needed for network namespaces'
    exit 77
  }
  TEMP=$(mktemp -d /tmp/tentacle-test.XXXXXX)
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  set_up || exit 1
  [ $# -gt 0 ] || set -- interrupted_enrollment start dying_services hanging_service swizzled_services modes segment \
    backend_away removal
  local part
  for part in "$@"; do "$part"; done
  if [ "$FAILED" != 0 ]; then stack_show_logs; fi
  [ "$FAILED" = 0 ]
  exit $?
}

# shellcheck disable=SC2317  # Called by the trap.
clean_up() {
  local code=$?
  trap '' INT TERM
  stack_down   # Not the lab of somebody else.
  if [ -n "${KEEP-}" ]; then echo "kept: $TEMP"; else rm -rf "$TEMP"; fi
  exit "$code"
}

set_up() {
  STACK_DIR=$TEMP/stack
  IMAGE_DIR=$TEMP/images
  WEB_DIR=$TEMP/web
  mkdir -p "$STACK_DIR/run" "$IMAGE_DIR" "$WEB_DIR"
  head -c 5000000 /dev/urandom >"$IMAGE_DIR/disk.raw"
  lab_played_boot_files "$STACK_DIR/state"
  lab_up "$STACK_DIR/lab" || return 1
  stack_remove_old_run
  printf '%s\n' "$STACK_DIR" >"$LAB_STATE/folder"
  lab_plug tt-pc1 pc1 10.77.0.21/24 && ip -n tt-pc1 link set "$LAB_LAN_DEVICE" address "$MAC" &&
    stack_database && stack_backend
}

# Enrollment -------------------------------------------------------------------------------------------------------

# Killed at any moment, it is done again with the same token and makes the same one node.
interrupted_enrollment() {
  local token i killed=0
  token=$(api POST /api/v1/enrollment-tokens '{"maxUses":1}' | jq -r .token)
  printf 'uplink:\n  mode: [\n' >"$STACK_DIR/state/config.yaml"
  check 'a configuration that is broken is told before the token is spent' broken_configuration "$token"
  rm "$STACK_DIR/state/config.yaml"
  check 'a wrong token leaves nothing behind' wrong_token_leaves_nothing
  for i in $(seq "$ENROLLMENT_KILLS"); do
    [ ! -e "$STACK_DIR/state/tentacle.key" ] || break
    killed=$((killed + 1))
    kill_enrollment "$token" "$((i * 200 / ENROLLMENT_KILLS))"
  done
  if [ ! -e "$STACK_DIR/state/tentacle.key" ]; then
    check "after $killed that were killed an enrollment succeeds with the same token" enroll_with "$token"
  fi
  check 'there is one tentacle' one_tentacle
  check 'the key is for its owner alone' [ "$(stat -c %a "$STACK_DIR/state/tentacle.key")" = 600 ]
  check 'no other key is left' fails compgen -G "$STACK_DIR/state/tentacle.key.*"
  check 'it is not enrolled twice' fails enroll_with "$token"
}

enroll_with() {
  in_branch "$TENTACLE_BIN" enroll --backend "http://$LAB_BACKEND_ADDRESS:$BACKEND_PORT" --token-file - \
    --name "$TENTACLE_NAME" <<<"$1"
}

# kill_enrollment TOKEN MILLISECONDS: the moment is what is being tried.
kill_enrollment() {
  timeout -s KILL "0.$(printf %03d "$2")" env TENTACLE_STATE_DIR="$STACK_DIR/state" TENTACLE_RUN_DIR="$STACK_DIR/run" \
    ip netns exec tt-tent "$TENTACLE_BIN" enroll --backend "http://$LAB_BACKEND_ADDRESS:$BACKEND_PORT" --token "$1" \
    --name "$TENTACLE_NAME" >>"$LAB_DIR/enroll.log" 2>&1
}

broken_configuration() {
  ! enroll_with "$1" >"$TEMP/enroll.out" 2>&1 && grep -q config.yaml "$TEMP/enroll.out" && [ "$(uses_of_tokens)" = 0 ]
}

wrong_token_leaves_nothing() {
  ! enroll_with wrong && ! compgen -G "$STACK_DIR/state/tentacle.key*" && [ ! -e "$STACK_DIR/state/config.yaml" ]
}

uses_of_tokens() { api GET /api/v1/enrollment-tokens | jq '[.tokens[].uses] | add'; }

one_tentacle() { api GET /api/v1/tentacles | jq -e '.tentacles | length == 1' && [ "$(uses_of_tokens)" = 1 ]; }

# Services ---------------------------------------------------------------------------------------------------------

start() {
  stack_tentacle || {
    echo 'not ok - the tentacle starts'
    exit 1
  }
  echo 'ok - the tentacle starts'
  comes 'the backend hears from all five services' services_are_up
}

node() { api GET "/api/v1/tentacles/$NODE_ID" | jq -e "$1"; }

services_are_up() { node '.online and ([.services[] | select(.up)] | length == 5)'; }

# dying_services: the others do not notice, and it is back by itself.
dying_services() {
  local round name
  for round in $(seq "$KILLS"); do
    for name in $SERVICES; do service_dies "$name" "$round"; done
  done
  comes 'afterwards the backend hears from all five services' services_are_up
}

service_dies() {
  local before
  DYING=$1
  before=$(others_pids)
  DYING_PID=$(service_pid "$1")
  kill -KILL "$DYING_PID"
  comes "$1 is back after kill $2" is_reborn
  comes "$1 is ready" service_is_ready "$1"
  check "$1 took no other along" [ "$(others_pids)" = "$before" ]
}

is_reborn() {
  local pid
  pid=$(service_pid "$DYING") && [ "$pid" != "$DYING_PID" ]
}

others_pids() {
  local name
  for name in $SERVICES; do
    [ "$name" = "$DYING" ] || service_pid "$name"
  done
}

service_is_ready() {
  local port
  case $1 in
    uplink) port=9471 ;;
    pxe) port=9472 ;;
    cache) port=9473 ;;
    discovery) port=9474 ;;
    agent) port=9475 ;;
  esac
  in_branch curl -fsS --max-time 2 "http://127.0.0.1:$port/readyz"
}

# hanging_service: stopped, not dead: nobody restarts it, everybody is told.
hanging_service() {
  local pid
  pid=$(service_pid cache)
  kill -STOP "$pid"
  comes 'status names the service that hangs, and why' status_says '^cache +down .*[a-z]'
  comes 'the backend is told, long before the next regular status' node \
    'any(.services[]; .name == "cache" and (.up | not) and (.reason | length > 0))'
  kill -CONT "$pid"
  comes 'once it goes on it is up for both' services_are_up
  check 'and was not restarted' [ "$(service_pid cache)" = "$pid" ]
}

# swizzled_services: all are stopped one after the other and go on in another order.
swizzled_services() {
  local before round name
  DYING=none
  before=$(others_pids)
  for round in $(seq "$KILLS"); do
    for name in $(in_any_order); do
      kill -STOP "$(service_pid "$name")"
      sleep 1   # So that each notices some of the others.
    done
    for name in $(in_any_order); do kill -CONT "$(service_pid "$name")"; done
    for name in $SERVICES; do comes "$name is ready after swizzle $round" service_is_ready "$name"; done
    comes "the backend hears from all five after swizzle $round" services_are_up
  done
  check 'and none was restarted' [ "$(others_pids)" = "$before" ]
}

# shellcheck disable=SC2086  # A list of words.
in_any_order() { shuf -e $SERVICES; }

# Its exit code tells of a service that does not answer, which is what is being looked at.
status_says() { grep -E "$1" <(in_branch "$TENTACLE_BIN" status); }

# Modes ------------------------------------------------------------------------------------------------------------

modes() {
  DYING=none
  local before
  before=$(others_pids)
  register disk.raw
  order_task
  comes 'in mode full a machine with a task gets its script' script_is 200
  set_config '{"uplink":{"mode":"passive"}}'
  comes 'mode passive is in force' node '.mode == "passive"'
  comes 'in it the machine gets no script' fails script_is 200
  comes 'pxe says that it is idle, and is ready' readiness_says 9472 'idle: not used in mode passive'
  comes 'status says so, too' status_says '^Mode +passive: '
  set_config '{"uplink":{"mode":"relay"}}'
  comes 'mode relay is in force' node '.mode == "relay"'
  comes 'in it the machine gets its script' script_is 200
  comes 'status says what that means' status_says '^Mode +relay: '
  check 'there is a way from the machine to the backend' route_out
  comes 'and its orders' fetch_orders
  check 'with an image that comes straight from the backend' image_is_the_backends
  set_config '{"uplink":{"mode":"full"}}'
  comes 'mode full is in force again' node '.mode == "full" and .configResult.status == "applied"'
  comes 'and the machine gets its script' script_is 200
  check 'no service was restarted for it' [ "$(others_pids)" = "$before" ]
}

# route_out: past the tentacle, as a branch's router has it.
route_out() {
  ip netns exec tt-tent sysctl -qw net.ipv4.ip_forward=1 &&
    ip -n tt-pc1 route add "$LAB_BACKEND_ADDRESS" via "$LAB_TENTACLE_ADDRESS" &&
    ip route add 10.77.0.21 via "$LAB_TENTACLE_WAN_ADDRESS" dev "$LAB_WAN_DEVICE"
}

image_is_the_backends() {
  [[ "$(order image_url)" == "http://$LAB_BACKEND_ADDRESS:$BACKEND_PORT/"* ]] && image_of_orders
}

set_config() { api PUT "/api/v1/tentacles/$NODE_ID" "{\"config\":$1}" >/dev/null; }

readiness_says() { in_branch curl -fsS --max-time 2 "http://127.0.0.1:$1/readyz" | grep -F "$2"; }

register() {
  IMAGE_ID=$(api POST /api/v1/provisioning/images "$(jq -n --arg path "$1" \
    '{name: "disk", path: $path, osType: "linux-image", format: "raw"}')" | jq -r .id)
  comes 'the image is ready' image_ready
}

order_task() {
  TASK_ID=$(api POST /api/v1/provisioning/tasks "$(jq -n --arg mac "$MAC" --arg image "$IMAGE_ID" --arg node "$NODE_ID" \
    '{$mac, hostname: "played", imageId: $image, osType: "linux-image", network: {dhcp: true}, tentacleId: $node}')" |
    jq -r .id)
}

on_machine() { ip netns exec tt-pc1 "$@"; }

# web_status PATH [PORT]: prints what the machine gets.
web_status() {
  on_machine curl -sS --max-time 10 -o "$TEMP/body" -w '%{http_code}' "http://$LAB_TENTACLE_ADDRESS:${2-9080}$1"
}

script_is() { [ "$(web_status "/boot.ipxe?mac=$MAC")" = "$1" ]; }

# Segment ----------------------------------------------------------------------------------------------------------

# segment: what discovery knows is the backend's, also after the backend has lost it.
segment() {
  comes 'a scan is ordered' api POST "/api/v1/tentacles/$NODE_ID/scan" '{}'
  comes 'the backend has the router and the machine of the branch' devices \
    '[.[].ip] | index("10.77.0.1") and index("10.77.0.21")'
  check 'with their states and since when they are known' devices 'all(.firstSeen and .state == "new")'
  comes 'it has asked for the whole table and got it' table_is_whole
  check 'a table of the backend that is another one' spoil_table
  ip -n tt-dhcp addr add 10.77.0.9/24 dev "$LAB_LAN_DEVICE"
  check 'is told of the next change' in_branch "$TENTACLE_BIN" scan --format none
  comes 'and is replaced as a whole' fails devices 'any(.mac == "02:00:00:00:00:99")'
  comes 'once more by a whole one' table_is_whole
  check 'a wake is ordered' api POST "/api/v1/tentacles/$NODE_ID/wake" "{\"mac\":\"$MAC\"}"
  comes 'the backend is told that the machine was on already' wakes '.[0] | .packets > 0 and .state == "was-awake"'
  comes 'the segment is known as a graph' topology_has_edges
}

sql() { psql -qtA "$POSTGRES_URL" -c "$1"; }

table_is_whole() { [ "$(sql "SELECT device_revision IS NOT NULL FROM nodes WHERE id = $NODE_ID")" = t ]; }

# spoil_table: as if a backup had been restored; the backend asks at most once a minute.
spoil_table() {
  sql "UPDATE nodes SET device_revision = device_revision + 1000 WHERE id = $NODE_ID;
    UPDATE outgoing_commands SET acknowledged_at = acknowledged_at - interval '2 minutes' WHERE type = 'discovery.sync';
    INSERT INTO network_discoveries (tentacle_node_id, mac_address) VALUES ($NODE_ID, '02:00:00:00:00:99')"
}

devices() { api GET "/api/v1/tentacles/$NODE_ID/devices" | jq -e ".devices | $1"; }

wakes() { api GET "/api/v1/tentacles/$NODE_ID/wakes" | jq -e ".wakes | $1"; }

topology_has_edges() { api GET "/api/v1/tentacles/$NODE_ID/topology" | jq -e '.edges | length > 0'; }

# Offline ----------------------------------------------------------------------------------------------------------

# backend_away: a task that is known already runs to its end; what happened arrives late, with its own times.
backend_away() {
  local before after
  api POST "/api/v1/tentacles/$NODE_ID/prepull" "{\"imageId\":\"$IMAGE_ID\"}" >/dev/null
  comes 'the image is here' image_is_cached
  lab_stop backend
  comes 'status says that the line is down, and why' status_says '^Link +(backing off|connecting)[^:]*: .'
  before=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  check 'without a backend the machine gets its orders' fetch_orders
  check 'and its image from the cache' image_of_orders
  check 'what the installer reports is taken' report_all
  comes 'status shows the task as complete' status_says "^ +$MAC +played +complete"
  after=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  stack_backend || echo 'not ok - the backend starts again'
  comes 'the backend has the task as complete once it is back' task '.status == "complete"'
  check 'every step with the time at which it happened' task "[.timeline[-6:][].time[:19] + \"Z\"]
    | length == 6 and all(. >= \"$before\" and . <= \"$after\")"
  check 'the steps are in order' task '[.timeline[].time] | . == sort'
}

task() { api GET "/api/v1/provisioning/tasks/$TASK_ID" | jq -e "$1"; }

image_is_cached() {
  api GET "/api/v1/tentacles/$NODE_ID/images" | jq -e ".images[] | select(.imageId == \"$IMAGE_ID\").state == \"cached\""
}

# fetch_orders: with the token of the script, as the ramdisk does.
fetch_orders() {
  local token
  script_is 200 || return 1
  token=$(sed -n 's/.*tentacle\.token=\([^ ]*\).*/\1/p' "$TEMP/body" | head -n 1)
  [ -n "$token" ] && [ "$(web_status "/orders?token=$token")" = 200 ] && cp "$TEMP/body" "$TEMP/orders"
}

order() { sed -n "s/^$1 //p" "$TEMP/orders"; }

image_of_orders() {
  on_machine curl -fsS --max-time 20 -o "$TEMP/body" "$(order image_url)" && cmp "$TEMP/body" "$IMAGE_DIR/disk.raw"
}

report_all() {
  local event
  for event in booted downloading partitioning applying configuring firstboot 'done'; do
    on_machine curl -fsS --max-time 10 -X POST -H "Authorization: Bearer $(order callback_token)" \
      -H 'Content-Type: application/json' --data "{\"event\":\"$event\"}" "$(order callback_url)" || return 1
  done
}

# Removal ----------------------------------------------------------------------------------------------------------

removal() {
  check 'a tentacle is removed' api DELETE "/api/v1/tentacles/$NODE_ID"
  comes 'its key is gone' test ! -e "$STACK_DIR/state/tentacle.key"
  comes 'so are its tasks' fails compgen -G "$STACK_DIR/state/tasks/*.json"
  comes 'status says that it was removed' status_says '^Link .*removed'
  check 'all five go on running' [ "$(DYING=none others_pids | wc -l)" = 5 ]
}

main "$@"
