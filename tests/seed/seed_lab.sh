# shellcheck shell=bash
# The lab's branch office with a tentacle, a backend that knows the specification alone (seed_backend.py), and machines
# that are played: what the tests of this folder have in common. To be sourced with REPO and BUILD_PRESET set.
#
# The caller sets MACHINES and IMAGE_BYTES, calls begin, and finish at its end.
# shellcheck disable=SC2034,SC2153,SC2317  # Names in capitals are shared with scripts/lib; check and comes call functions.

for part in say check build lab stack; do
  # shellcheck disable=SC1090  # The list above.
  . "$REPO/scripts/lib/$part.sh"
done
PATIENCE_S=60   # For anything to come about; with sanitizers on a loaded machine it takes a while.
FAILED=0

begin() {
  local machine
  [ "$(id -u)" = 0 ] || {
    echo 'root is needed for network namespaces'
    exit 77
  }
  # The lab makes and removes what is in its list.
  for machine in $(seq "$MACHINES"); do LAB_NAMESPACES="$LAB_NAMESPACES tt-pc$machine"; done
  TEMP=$(mktemp -d /tmp/tentacle-test.XXXXXX)
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  set_up || exit 1
}

finish() {
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

set_up() {
  local machine
  STACK_DIR=$TEMP
  lab_up "$TEMP/lab" || return 1
  stack_remove_old_run
  printf '%s\n' "$TEMP" >"$LAB_STATE/folder"
  for machine in $(seq "$MACHINES"); do plug_machine "$machine" || return 1; done
  mkdir -p "$TEMP/images" "$TEMP/run"
  head -c "$IMAGE_BYTES" /dev/urandom >"$TEMP/images/5"
  head -c 300000 /dev/urandom >"$TEMP/images/6"
  lab_played_boot_files "$TEMP/state"
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

start_tentacle() { start_service all tentacle; }

# start_service VERB [NAME]: short delays between attempts: nothing here is about a thousand tentacles at once.
start_service() {
  lab_start "${2-$1}" tt-tent env TENTACLE_STATE_DIR="$TEMP/state" TENTACLE_RUN_DIR="$TEMP/run" \
    TENTACLE_PXE_INTERFACES="$LAB_LAN_DEVICE" TENTACLE_DISCOVERY_INTERFACES="$LAB_LAN_DEVICE" \
    TENTACLE_UPLINK_PING_INTERVAL_S=2 TENTACLE_UPLINK_BACKOFF_BASE_MS=100 \
    TENTACLE_UPLINK_BACKOFF_CAP_MS=1000 "$TENTACLE_BIN" "$1"
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

# task NUMBER ID: the message for a machine, with the fields of a provisioning task.
task() {
  jq -nc --arg id "$2" --arg mac "$(mac_of "$1")" --arg hostname "test-vm-0$1" '{type: "task.new", task:
    {$id, $mac, $hostname, imageId: "5", osType: "linux-image", platform: "kvm-libvirt",
     network: {dhcp: true}, adminPassword: "not for any file"}}'
}
