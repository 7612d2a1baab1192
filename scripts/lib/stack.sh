# shellcheck shell=bash
# The whole system, running: PostgreSQL, backend, the lab, and in it an enrolled tentacle.
#
# To be sourced after say.sh, postgres.sh, lab.sh and build.sh. stack_up DIR and stack_down; between
# them `api` talks to the backend, and the logs are $LAB_DIR/*.log.
# shellcheck disable=SC2034,SC2153  # Names in capitals are shared with the files beside this one.

BACKEND_PORT=8080
BACKEND_URL=http://127.0.0.1:$BACKEND_PORT
TENTACLE_NAME=${TENTACLE_NAME:-Berlin Office}
STACK_PATIENCE_S=${STACK_PATIENCE_S:-60}   # For one program to be ready; with sanitizers it takes a while.

# stack_up DIR: in order; returns 1 with a sentence and the end of the log that matters.
stack_up() {
  STACK_DIR=$1
  mkdir -p "$STACK_DIR" || return 1
  # First the lab: it knows whether another one is running, and clears what a killed one left.
  lab_up "$STACK_DIR/lab" || return 1
  stack_remove_old_run
  printf '%s\n' "$STACK_DIR" >"$LAB_STATE/folder"
  stack_database && stack_backend && stack_enroll && stack_boot_files && stack_tentacle
}

# stack_down: everything that stack_up started, in the opposite order. Harmless when nothing runs.
stack_down() {
  lab_own 2>/dev/null || return 0
  local file
  for file in "$LAB_STATE"/processes/vm-*; do
    [ -e "$file" ] && lab_stop "${file##*/}"
  done
  lab_stop tentacle
  lab_stop backend
  postgres_remove
  lab_down
}

stack_database() {
  postgres_start "$STACK_DIR/postgres"
}

# A run that was killed with SIGKILL could not stop its cluster and remove its folder; both were
# noted.
stack_remove_old_run() {
  local old
  [ -s "$LAB_STATE/folder" ] || return 0
  read -r old <"$LAB_STATE/folder"
  if [ "$old" != "$STACK_DIR" ] && [ -d "$old/postgres/data" ]; then
    POSTGRES_DIR=$old/postgres
    postgres_remove
  fi
  # Only a folder that one of our scripts made for itself.
  case $old in
    "$STACK_DIR") ;;
    /tmp/tentacle-demo.?????? | /tmp/tentacle-test.?????? | /tmp/tentacle-bench.??????) rm -rf "$old" ;;
  esac
  rm -f "$LAB_STATE/folder"
}

stack_backend() {
  if [ -n "$(ss -Hltn "sport = :$BACKEND_PORT")" ]; then
    echo "stack: port $BACKEND_PORT is taken by another program" >&2
    return 1
  fi
  API_KEY=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
  (
    # Secrets go in files, since arguments can be read by everyone on the host.
    umask 077
    printf '%s\n' "$API_KEY" >"$STACK_DIR/api-key"
    printf '%s\n' "$POSTGRES_URL" >"$STACK_DIR/database-url"
    printf 'X-API-Key: %s\n' "$API_KEY" >"$STACK_DIR/api-key.header"
  )
  lab_start backend - "$BACKEND_BIN" --listen "0.0.0.0:$BACKEND_PORT" \
    --database-file "$STACK_DIR/database-url" --image-dir "$IMAGE_DIR" --web-dir "$WEB_DIR" \
    --api-key-file "$STACK_DIR/api-key"
  stack_wait_ready backend curl -fsS --max-time 2 "$BACKEND_URL/readyz"
}

# stack_wait_ready NAME COMMAND...: until the command succeeds, or the process has ended.
stack_wait_ready() {
  local name=$1 until=$(($(now_s) + STACK_PATIENCE_S))
  shift
  until "$@" >/dev/null 2>&1; do
    if ! lab_pid "$name" >/dev/null || [ "$(now_s)" -ge "$until" ]; then
      echo "stack: $name did not get ready" >&2
      show_tail "$LAB_DIR/$name.log"
      return 1
    fi
    sleep 0.2
  done
}

# api METHOD PATH [JSON]: prints the answer's body; returns 1 and says the backend's sentence when
# the answer is not 2xx.
api() {
  local -a options=(-sS --max-time 20 -X "$1" -H "@$STACK_DIR/api-key.header")
  local answer status
  if [ $# -ge 3 ]; then
    options+=(-H 'Content-Type: application/json' --data "$3")
  fi
  answer=$(curl "${options[@]}" -w '\n%{http_code}' "$BACKEND_URL$2") || return 1
  status=${answer##*$'\n'}
  answer=${answer%$'\n'*}
  case $status in
    2??) printf '%s\n' "$answer" ;;
    *)
      printf 'backend: %s %s: %s %s\n' "$1" "$2" "$status" \
        "$(jq -r '.detail // .title // empty' <<<"$answer" 2>/dev/null)" >&2
      return 1
      ;;
  esac
}

# in_branch COMMAND...: on the tentacle's host, with its folders.
in_branch() {
  ip netns exec tt-tent env TENTACLE_STATE_DIR="$STACK_DIR/state" \
    TENTACLE_RUN_DIR="$STACK_DIR/run" "$@"
}

# stack_enroll: what an operator does once for each branch.
stack_enroll() {
  local token
  token=$(api POST /api/v1/enrollment-tokens '{"expiresHours":1,"maxUses":1,"description":"lab"}' |
    jq -r .token) || return 1
  mkdir -p "$STACK_DIR/state" "$STACK_DIR/run"
  if ! in_branch "$TENTACLE_BIN" enroll --backend "http://$LAB_BACKEND_ADDRESS:$BACKEND_PORT" \
    --token "$token" --name "$TENTACLE_NAME" >"$LAB_DIR/enroll.log" 2>&1; then
    echo 'stack: the tentacle could not enroll' >&2
    show_tail "$LAB_DIR/enroll.log"
    return 1
  fi
}

# stack_boot_files: what a package or a container image of the tentacle brings along.
stack_boot_files() {
  local boot=$STACK_DIR/state/cache/boot
  mkdir -p "$boot/ramdisk"
  cp -L /usr/lib/ipxe/undionly.kpxe /usr/lib/ipxe/ipxe.efi /usr/lib/ipxe/snponly.efi "$boot/" &&
    cp "$RAMDISK_DIR/vmlinuz" "$RAMDISK_DIR/initrd.img" "$boot/ramdisk/"
}

# TENTACLE_UNDER: what the tentacle is started by, as "faketime -f +1h".
stack_tentacle() {
  # `exec` by way of env keeps one process: the supervisor is what lab_start has recorded.
  # shellcheck disable=SC2086  # Words.
  lab_start tentacle tt-tent env TENTACLE_STATE_DIR="$STACK_DIR/state" \
    TENTACLE_RUN_DIR="$STACK_DIR/run" TENTACLE_PXE_INTERFACES="$LAB_LAN_DEVICE" \
    TENTACLE_DISCOVERY_INTERFACES="$LAB_LAN_DEVICE" ${TENTACLE_UNDER-} "$TENTACLE_BIN" all
  stack_wait_ready tentacle stack_tentacle_ready || return 1
  NODE_ID=$(api GET /api/v1/tentacles | jq -r '.tentacles[0].id')
}

# Ready: the backend has it online, and every service says so itself.
stack_tentacle_ready() {
  local port
  api GET /api/v1/tentacles | jq -e '.tentacles[0].online' >/dev/null || return 1
  for port in 9471 9472 9473 9474 9475; do
    ip netns exec tt-tent curl -fsS --max-time 2 "http://127.0.0.1:$port/readyz" || return 1
  done
}

# service_pid NAME: the process of one of the five services in the branch.
service_pid() {
  local pid
  for pid in $(ip netns pids tt-tent 2>/dev/null); do
    if [ "$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)" = "octofleet-tentacle $1 " ]; then
      printf '%s\n' "$pid"
      return 0
    fi
  done
  return 1
}

# register_image: sets IMAGE_ID and waits until the backend has computed its SHA-256.
register_image() {
  local image
  image=$(api POST /api/v1/provisioning/images "$(jq -n --arg path "$IMAGE_NAME" \
    '{name: "debian-12", displayName: "Debian 12 (demo)", path: $path, osType: "linux-image",
      osVersion: "12", format: "raw.zst", architecture: "amd64"}')") || return 1
  IMAGE_ID=$(jq -r .id <<<"$image")
  if ! wait_for 120 image_ready; then
    echo "stack: the backend did not get the image ready: $(api GET \
      "/api/v1/provisioning/images/$IMAGE_ID" | jq -r .state)" >&2
    return 1
  fi
}

image_ready() {
  api GET "/api/v1/provisioning/images/$IMAGE_ID" | jq -e '.state == "ready"'
}

# stack_show_logs: the ends of the logs that matter after a failure.
stack_show_logs() {
  local file
  for file in "$LAB_DIR"/backend.log "$LAB_DIR"/tentacle.log "$LAB_DIR"/*.serial "$LAB_DIR"/vm-*.log; do
    show_tail "$file" 25
  done
}
