#!/bin/bash
# The tentacle as deploy/systemd has it, on a real systemd: its unit, units and journal seen and kept by the agent, and
# releases of itself: a good one stays, one that fails is taken back.
#
#   tests/systemd/systemd_test.sh           some 90 s
#   tests/systemd/systemd_test.sh long      also a release that runs and never becomes healthy
#
# Prints "ok - ..." or "not ok - ..." for each check; exit code 77 with a reason where no systemd can be started. The programs
# are those of BUILD_PRESET (dev unless set). Needs root.
# shellcheck disable=SC2317  # Many functions are called by is and wait_for alone.
set -uo pipefail

REPO=$(cd "$(dirname "$0")/../.." && pwd)
for part in scripts/lib/say scripts/lib/postgres tests/support/is tests/systemd/machine; do
  # shellcheck disable=SC1090  # The list above.
  . "$REPO/$part.sh"
done
BUILD=$REPO/build/${BUILD_PRESET:-dev}
BACKEND=$BUILD/backend/octofleet-backend
TENTACLE=$BUILD/cli/octofleet-tentacle
FORM=${1-short}
BACKEND_PID=
STATE=/var/lib/octofleet-tentacle

main() {
  local reason
  reason=$(machine_possible | head -n 1)
  if [ -n "$reason" ]; then
    echo "systemd_test: $reason"
    exit 77
  fi
  TEMP=$(mktemp -d /tmp/tentacle-test.XXXXXX)
  trap clean_up EXIT
  trap 'exit 130' INT TERM
  make_files
  machine_up "$TEMP/machine" || give_up 'systemd starts'
  start_backend || give_up 'the backend starts'
  enroll || give_up 'the tentacle is enrolled'
  check_unit
  check_agent
  check_releases
  check_stop
  [ "$FAILED" = 0 ] || show_logs
  [ "$FAILED" = 0 ]
  exit $?
}

clean_up() {
  machine_down
  [ -z "$BACKEND_PID" ] || kill "$BACKEND_PID" 2>/dev/null
  postgres_stop
  rm -rf --one-file-system "$TEMP"
}

give_up() {
  echo "not ok - $1"
  show_logs
  exit 1
}

show_logs() {
  show_tail "$TEMP/machine/console.log"
  show_tail "$TEMP/backend.log"
  in_machine journalctl --no-pager -q -n 60 -o cat -u octofleet-tentacle -u octofleet-tentacle-guard 2>/dev/null | cut -c 1-300 >&2
}

# happens TEXT SECONDS COMMAND...: within them.
happens() {
  local text=$1
  shift
  if wait_for "$@"; then
    echo "ok - $text"
  else
    echo "not ok - $text"
    FAILED=1
  fi
}

# --- What is there before -------------------------------------------------------------------------

make_files() {
  local file files=$TEMP/machine/files
  mkdir -p "$files/usr/local/bin" "$files/etc/systemd/system" "$files$STATE/cache/boot/ramdisk" "$TEMP/images" "$TEMP/web"
  # Without boot files pxe is not ready; no machine is switched on.
  for file in undionly.kpxe ipxe.efi ramdisk/vmlinuz ramdisk/initrd.img; do echo "$file" >"$files$STATE/cache/boot/$file"; done
  # As it is shipped: the machine's disk is in memory.
  strip -o "$TEMP/octofleet-tentacle" "$TENTACLE"
  TENTACLE=$TEMP/octofleet-tentacle
  cp "$TENTACLE" "$files/usr/local/bin/octofleet-tentacle"
  cp -r "$REPO/deploy/systemd/." "$files/etc/systemd/system/"
  # A service of the branch that is not ours.
  cat >"$files/etc/systemd/system/till.service" <<'UNIT'
[Service]
ExecStart=/bin/sh -c 'echo the till is open; exec sleep infinity'
UNIT
  "$TENTACLE" release keygen "$TEMP/root.key" >"$TEMP/root.public" && "$TENTACLE" release keygen "$TEMP/signing.key" >"$TEMP/signing.public"
  cat >"$files$STATE/config.yaml" <<YAML
uplink: {backoff_base_ms: 50, backoff_cap_ms: 1000}
cache: {min_free_bytes: 33554432}
pxe: {interfaces: [eth0]}
discovery: {interfaces: [eth0], scan_interval_min: 1440}
agent:
  metrics_interval_s: 5
  watched_units: ["restart:till.service"]
  journal_enabled: true
  journal_priority: 6
  update_root_keys: ["$(cat "$TEMP/root.public")"]
YAML
}

start_backend() {
  local port
  postgres_start "$TEMP/postgres" || return 1
  (umask 077 && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$TEMP/api.key")
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  BASE=http://$MACHINE_HOST:$port
  "$BACKEND" --listen "$MACHINE_HOST:$port" --database "$POSTGRES_URL" --image-dir "$TEMP/images" --web-dir "$TEMP/web" \
    --api-key-file "$TEMP/api.key" >"$TEMP/backend.log" 2>&1 </dev/null &
  BACKEND_PID=$!
  wait_for 60 curl -sf "$BASE/readyz"
}

# api METHOD PATH [JSON]
api() { curl -sS --max-time 30 -X "$1" -H "X-API-Key: $(cat "$TEMP/api.key")" ${3+-d "$3"} "$BASE$2"; }

enroll() {
  local token
  token=$(api POST /api/v1/enrollment-tokens '{"maxUses":1}' | jq -r .token) || return 1
  in_machine env TENTACLE_TOKEN="$token" octofleet-tentacle enroll --backend "$BASE" --name branch >"$TEMP/enroll.log" 2>&1 || return 1
  NODE=$(api GET /api/v1/tentacles | jq -r '.tentacles[0].id')
}

# --- The unit -------------------------------------------------------------------------------------

check_unit() {
  # As docs/operations.md has it.
  in_machine octofleet-tentacle release install >"$TEMP/install.log" 2>&1
  is 'the units are what systemd takes' '' "$(in_machine systemd-analyze verify octofleet-tentacle.service octofleet-tentacle-guard.service 2>&1)"
  in_machine systemctl daemon-reload
  in_machine systemctl start till.service octofleet-tentacle
  happens 'started: the five services are ready' 60 all_ready
  happens 'and the tentacle is online' 30 online
  is 'it runs from the folder of releases' "$STATE/releases/a/octofleet-tentacle" "$(main_program)"
  is 'its state is nobody else'"'"'s' 750 "$(in_machine stat -c %a $STATE)"
}

all_ready() {
  local port
  for port in 9471 9472 9473 9474 9475; do
    in_machine curl -sf --max-time 2 "http://127.0.0.1:$port/readyz" || return 1
  done
}

online() { api GET "/api/v1/nodes/$NODE" | jq -e .online; }

main_pid() { in_machine systemctl show -P MainPID octofleet-tentacle; }

# Of the supervisor.
main_program() { in_machine readlink "/proc/$(main_pid)/exe"; }

# --- What the agent sees and does -----------------------------------------------------------------

check_agent() {
  local before
  happens 'the inventory has the units that systemd knows' 30 unit_listed
  before=$(in_machine systemctl show -P MainPID till.service)
  is 'a job starts a unit anew' succeeded "$(job_status '{"commandType":"service","commandData":{"action":"restart","unit":"till.service"}}')"
  is 'which it did' no "$([ "$before" = "$(in_machine systemctl show -P MainPID till.service)" ] && echo the same process || echo no)"
  in_machine systemctl stop till.service
  happens 'a watched unit that stopped is started again' 60 in_machine systemctl is-active till.service
  happens 'and the backend is told of both' 60 till_told
  happens 'what a unit says in the journal comes up' 60 till_in_journal
}

unit_listed() {
  api GET "/api/v1/nodes/$NODE/inventory" |
    jq -e '.services.units[] | select(.name == "octofleet-tentacle.service" and .active == "active" and .sub == "running")'
}

till_told() { api GET "/api/v1/nodes/$NODE/units" | jq -e '.units[] | select(.unit == "till.service" and .state == "active")'; }

till_in_journal() { api GET "/api/v1/nodes/$NODE/journal?q=till&priority=7" | jq -e '.entries[] | select(.message == "the till is open")'; }

# job_status JSON: of its only instance, when it has ended.
job_status() {
  local id
  id=$(api POST /api/v1/jobs "$(jq -c --arg node "$NODE" '. + {targetType: "device", targetId: $node}' <<<"$1")" | jq -r .id)
  wait_for 60 job_ended "$id"
  api GET "/api/v1/jobs/$id" | jq -r '.instances[0].status'
}

job_ended() { api GET "/api/v1/jobs/$1" | jq -e '.instances[0].success != null'; }

# --- Releases -------------------------------------------------------------------------------------

check_releases() {
  local before
  before=$(main_pid)
  cp "$TENTACLE" "$TEMP/good" && printf 'the next release' >>"$TEMP/good"
  is 'a release that is healthy stays' committed "$(release 2 "$TEMP/good" 180)"
  is 'it is the one that runs' "$(sha256sum <"$TEMP/good")" "$(in_machine sha256sum "$(main_program)" | sed 's, .*/.*,  -,')"
  is 'in another process' no "$([ "$before" = "$(main_pid)" ] && echo the same || echo no)"
  happens 'with all services ready' 30 all_ready

  printf '#!/bin/sh\nexit 3\n' >"$TEMP/broken"
  is 'a release that ends at once is taken back' rolled_back "$(release 3 "$TEMP/broken" 180)"
  is 'the one before runs again' "$(sha256sum <"$TEMP/good")" "$(in_machine sha256sum "$(main_program)" | sed 's, .*/.*,  -,')"
  happens 'with all services ready' 30 all_ready
  happens 'and online' 30 online

  is 'an older release is refused' refused "$(release 1 "$TEMP/good" 60)"
  [ "$FORM" = long ] || return 0
  printf '#!/bin/sh\nexec sleep 1000\n' >"$TEMP/deaf"
  is 'a release that runs and never becomes healthy is taken back' rolled_back "$(release 4 "$TEMP/deaf" 300)"
  happens 'with all services ready' 30 all_ready
}

# release VERSION FILE SECONDS: signed, registered, ordered; prints how it ended.
release() {
  local image id name="octofleet-tentacle-$1"
  mkdir -p "$TEMP/release-$1"
  cp "$2" "$TEMP/images/$name" && cp "$2" "$TEMP/release-$1/octofleet-tentacle"
  image=$(api POST /api/v1/provisioning/images "{\"name\":\"$name\",\"path\":\"$name\",\"osType\":\"other\",\"format\":\"raw\"}" | jq -r .id)
  wait_for 60 image_ready "$image"
  (
    cd "$TEMP/release-$1" || exit 1
    "$TENTACLE" release keys --root "$TEMP/root.key" --signing-key "$(cat "$TEMP/signing.public")" &&
      "$TENTACLE" release sign octofleet-tentacle --key "$TEMP/signing.key" --id "2026.11.$1" --version "$1"
  ) >"$TEMP/release-$1/log" 2>&1
  id=$(cd "$TEMP/release-$1" && "$TENTACLE" release order --image "$image" | api_from_input "/api/v1/tentacles/$NODE/updates" | jq -r .id)
  wait_for "$3" update_ended "$id"
  update "$id" | jq -r .status
  update "$id" | jq -r '"    \(.status): \(.reason)"' >&2
}

api_from_input() { curl -sS --max-time 30 -H "X-API-Key: $(cat "$TEMP/api.key")" -d @- "$BASE$1"; }

image_ready() { api GET "/api/v1/provisioning/images/$1" | jq -e '.state == "ready"'; }

update() { api GET "/api/v1/tentacles/$NODE/updates" | jq --arg id "$1" '.updates[] | select((.id | tostring) == $id)'; }

update_ended() { update "$1" | jq -e '.status | IN("committed", "rolled_back", "blocked", "refused", "failed")'; }

# --- The end --------------------------------------------------------------------------------------

check_stop() {
  in_machine systemctl kill --signal=KILL --kill-whom=main octofleet-tentacle
  happens 'the supervisor was killed: systemd starts it anew' 30 all_ready
  in_machine systemctl stop octofleet-tentacle
  is 'stopped: the unit has ended in order' success "$(in_machine systemctl show -P Result octofleet-tentacle)"
  is 'and no process of it is left' '' "$(in_machine pgrep -f octofleet-tentacle)"
}

main
