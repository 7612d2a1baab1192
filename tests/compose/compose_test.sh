#!/bin/bash
# The containers of deploy/compose on a real Docker engine: built, started, restarted one by one.
# shellcheck disable=SC2317  # Many functions are called by expect and wait_for alone.
#
#   tests/compose/compose_test.sh           builds the images (with this machine's ccache) and runs
#   tests/compose/compose_test.sh --reuse   takes the images of the run before
#
# Prints "ok - ..." or "not ok - ..." for each check and the times it took; exit code 77 with a
# reason where no engine can run. The engine is our own, in a network namespace of its own
# (engine.sh); what stays is build/compose, so that the next run is quick. Needs root.
set -uo pipefail

REPO=$(cd "$(dirname "$0")/../.." && pwd)
HERE=$REPO/tests/compose
# shellcheck source=scripts/lib/say.sh
. "$REPO/scripts/lib/say.sh"
# shellcheck source=scripts/lib/build.sh
. "$REPO/scripts/lib/build.sh"
# shellcheck source=tests/compose/engine.sh
. "$HERE/engine.sh"
# shellcheck source=tests/compose/checks.sh
. "$HERE/checks.sh"
# shellcheck source=tests/compose/host.sh
. "$HERE/host.sh"

SERVICES=(uplink pxe cache discovery agent)
TEMP=
CHECKS_FAILED=0
PATH=/usr/bin:$PATH   # docker-compose calls `docker`; see DOCKER in engine.sh.
export DOCKER_BUILDKIT=1 COMPOSE_DOCKER_CLI_BUILD=1 BUILDKIT_PROGRESS=plain
# What .env says in the namespace. The test's images have names of their own, so that nothing here
# looks like a released one.
export POSTGRES_IMAGE=octofleet-test-postgres PROMETHEUS_IMAGE=octofleet-test-prometheus
export TENTACLE_VERSION=compose-test

main() {
  local reason
  reason=$(engine_possible) || skip "$reason"
  trap clean_up EXIT
  trap 'exit 130' INT TERM
  TEMP=$(mktemp -d /tmp/tentacle-test.XXXXXX)
  engine_claim "$TEMP" || give_up 'no other run is under way'
  cp -r "$REPO/deploy/compose" "$TEMP/compose"
  if [ "${1-}" != --reuse ]; then
    step 'images'
    build_images || give_up 'the images are not built'
  fi
  step 'files'
  check_files
  step 'backend'
  namespace_up || give_up 'no network namespace'
  engine_start namespace "$TEMP/engine" || give_up 'no engine in the namespace'
  remove_containers >"$TEMP/removed.log" 2>&1   # Those of a run that was killed.
  start_backend || give_up 'the backend did not come up'
  step 'the five services'
  start_tentacle || give_up 'the tentacle did not come up'
  check_stack
  step 'rights'
  check_rights
  step 'metrics'
  check_metrics
  step 'each restarted alone'
  check_restarts
  step 'each killed'
  check_kills
  step 'the agent on the host around it'
  check_host
  step 'down'
  check_down
  steps_table
  [ "$CHECKS_FAILED" = 0 ]
  exit $?
}

skip() {
  echo "compose_test: $1"
  exit 77
}

give_up() {
  not_ok "$1"
  show_logs
  exit 1
}

ok() { printf 'ok - %s\n' "$1"; }

not_ok() {
  printf 'not ok - %s\n' "$1"
  CHECKS_FAILED=$((CHECKS_FAILED + 1))
}

# expect TEXT COMMAND...
expect() {
  local text=$1
  shift
  if "$@" >/dev/null 2>&1; then ok "$text"; else not_ok "$text"; fi
}

# Whatever happened; every part may be called when there is nothing to do.
clean_up() {
  local code=$?
  trap - EXIT INT TERM
  # Without the claim all of it is another run's.
  if [ -n "$ENGINE_CLAIMED" ]; then
    if [ -n "$ENGINE_PID" ]; then remove_containers >"$TEMP/removed.log" 2>&1; fi
    engine_stop
    namespace_down
    engine_release
  fi
  [ -z "$TEMP" ] || rm -rf --one-file-system "$TEMP"
  exit "$code"
}

# Containers and volumes, not images; bounded, since the engine may be what is broken.
remove_containers() {
  local containers volumes
  containers=$(timeout 20 "$DOCKER" ps -aq)
  # shellcheck disable=SC2086  # One word each.
  [ -z "$containers" ] || timeout 60 "$DOCKER" rm -fv $containers
  # Not `prune`, which leaves volumes with options alone.
  volumes=$(timeout 20 "$DOCKER" volume ls -q)
  # shellcheck disable=SC2086
  [ -z "$volumes" ] || timeout 30 "$DOCKER" volume rm -f $volumes
  timeout 30 "$DOCKER" network prune -f
}

show_logs() {
  local id
  [ -n "$ENGINE_PID" ] || return 0
  for id in $(timeout 20 "$DOCKER" ps -aq); do
    printf -- '---- %s\n' "$("$DOCKER" inspect -f '{{.Name}} {{json .State}}' "$id" | cut -c 1-600)"
    "$DOCKER" logs --tail 20 "$id" 2>&1 | cut -c 1-300
  done >&2
}

# As an administrator types it, in the folder with the .env.
branch() { (cd "$TEMP/compose" && docker-compose -p branch "$@"); }

backend() { (cd "$TEMP/compose" && docker-compose -p backend -f compose.backend.yaml "$@"); }

# --- Images ---------------------------------------------------------------------------------------

build_images() {
  build_page || return 1
  local code reason
  engine_start host "$TEMP/engine" || skip "dockerd does not start here: $(tail -n 1 "$TEMP/engine/dockerd.log")"
  base_image || return 1
  reason=$(engine_works) || skip "$reason"
  ccache_image
  # Fetching packages and compiling hardly disturb each other.
  build_stand_ins >"$TEMP/stand-ins.log" 2>&1 &
  local stand_ins=$!
  build_ours
  code=$?
  if ! wait "$stand_ins"; then
    show_tail "$TEMP/stand-ins.log" 20
    code=1
  fi
  engine_stop
  return $code
}

build_ours() {
  local started
  started=$(now_s)
  (
    cd "$REPO/deploy/compose" || exit 1
    export OCTOFLEET_BACKEND=http://unused TENTACLE_NAME=unused
    nice docker-compose -f compose.yaml -f "$HERE/build.yaml" build uplink &&
      nice docker-compose -f compose.backend.yaml -f "$HERE/build.backend.yaml" build backend
  ) || return 1
  printf 'both images built in %d s\n' "$(($(now_s) - started))"
  # What nothing refers to any more; the layers of packages stay for the next run.
  {
    "$DOCKER" rmi octofleet-ccache-seed
    "$DOCKER" image prune -f
    "$DOCKER" builder prune -f --keep-storage 6gb
  } >/dev/null 2>&1
  return 0
}

build_stand_ins() {
  local name
  for name in postgres prometheus; do
    nice "$DOCKER" build -q --network host -f "$HERE/images/$name.Dockerfile" \
      -t "octofleet-test-$name" "$HERE/images" || return 1
  done
}

# --- Stack ----------------------------------------------------------------------------------------

start_backend() {
  mkdir -p "$TEMP/compose/images"
  head -c 3000000 /dev/urandom >"$TEMP/compose/images/disk.raw"
  chmod 0755 "$TEMP" "$TEMP/compose/images"
  "$TEMP/compose/make_secrets.sh" || return 1
  printf 'X-API-Key: %s\n' "$(cat "$TEMP/compose/secrets/api-key")" >"$TEMP/api-key.header"
  backend up -d --no-build || return 1
  wait_for 60 backend_healthy
}

backend_healthy() {
  [ "$(health backend_backend_1)" = healthy ] && [ "$(health backend_postgres_1)" = healthy ] &&
    api GET /api/v1/tentacles
}

api() {
  local -a options=(-fsS --max-time 10 -X "$1" -H "@$TEMP/api-key.header")
  if [ $# -ge 3 ]; then options+=(-H 'Content-Type: application/json' --data "$3"); fi
  inside curl "${options[@]}" "http://$ENGINE_ADDRESS:8080$2"
}

start_tentacle() {
  local token started
  token=$(api POST /api/v1/enrollment-tokens '{"expiresHours":1,"maxUses":1}' | jq -r .token) || return 1
  sed -e "s,^OCTOFLEET_BACKEND=.*,OCTOFLEET_BACKEND=http://$ENGINE_ADDRESS:8080," \
    -e "s,^TENTACLE_TOKEN=.*,TENTACLE_TOKEN=$token," \
    -e 's,^#\(TENTACLE_.*_INTERFACES\)=.*,\1=lan0,' "$TEMP/compose/.env.example" >"$TEMP/compose/.env"
  started=$(now_s)
  branch up -d --no-build || return 1
  wait_for 90 all_healthy || return 1
  printf 'five services healthy %d s after they were told to start\n' "$(($(now_s) - started))"
}

container() { printf 'branch_%s_1' "$1"; }

health() { "$DOCKER" inspect -f '{{.State.Health.Status}}' "$1" 2>/dev/null; }

all_healthy() {
  local service
  for service in "${SERVICES[@]}"; do
    [ "$(health "$(container "$service")")" = healthy ] || return 1
  done
}

# admin_port SERVICE
admin_port() {
  case $1 in
    uplink) echo 9471 ;;
    pxe) echo 9472 ;;
    cache) echo 9473 ;;
    discovery) echo 9474 ;;
    agent) echo 9475 ;;
  esac
}

main "$@"
