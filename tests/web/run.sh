#!/bin/bash
# The page in Debian's Chromium against a real backend on a real PostgreSQL; the tentacle is played by
# the test. Everything runs on loopback, on ports that are free.
#
#   tests/web/run.sh
#
# Needs: the built backend (build/release, else build/dev), the built page (web/dist), npm's packages of
# web/, PostgreSQL and Chromium. SCREENSHOTS=DIR keeps the pictures; WEB_DIR=DIR serves another page.
set -uo pipefail

REPO=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=scripts/lib/say.sh
. "$REPO/scripts/lib/say.sh"
# shellcheck source=scripts/lib/postgres.sh
. "$REPO/scripts/lib/postgres.sh"
# shellcheck source=scripts/lib/node.sh
. "$REPO/scripts/lib/node.sh"

CHROMIUM=${CHROMIUM:-/usr/bin/chromium}
WEB_DIR=${WEB_DIR:-$REPO/web/dist}
TEMP=
BACKEND_PID=

main() {
  local backend
  backend=$(find_backend) || fail 'octofleet-backend has not been built'
  [ -f "$WEB_DIR/index.html" ] || fail 'the page has not been built (npm run build in web/)'
  [ -d "$REPO/web/node_modules/ws" ] || fail 'the packages of web/ are not installed (npm ci in web/)'
  [ -x "$CHROMIUM" ] || fail "$CHROMIUM is missing"
  ensure_node || fail 'there is no Node.js that is new enough'
  TEMP=$(mktemp -d /tmp/tentacle-page.XXXXXX)
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  postgres_start "$TEMP/postgres" || fail 'PostgreSQL did not start'
  start_backend "$backend" || fail 'the backend did not get ready'
  BACKEND_URL=http://127.0.0.1:$BACKEND_PORT API_KEY=$(cat "$TEMP/api-key") CHROMIUM=$CHROMIUM \
    IMAGE_DIR=$TEMP/images PROFILE_DIR=$TEMP/profile SCREENSHOTS=${SCREENSHOTS:-$TEMP/screenshots} \
    node "$REPO/tests/web/page_test.mjs"
}

fail() {
  printf 'web: %s\n' "$1" >&2
  [ -z "$TEMP" ] || show_tail "$TEMP/backend.log"
  printf '0 passed, 1 failed\n'
  exit 1
}

find_backend() {
  local preset
  for preset in release dev; do
    if [ -x "$REPO/build/$preset/backend/octofleet-backend" ]; then
      printf '%s\n' "$REPO/build/$preset/backend/octofleet-backend"
      return 0
    fi
  done
  return 1
}

# A port that looks free may be taken a moment later, so several are tried.
start_backend() {
  local try
  (umask 077 && od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$TEMP/api-key")
  (umask 077 && printf '%s\n' "$POSTGRES_URL" >"$TEMP/database-url")
  mkdir -p "$TEMP/images"
  for try in 1 2 3 4 5; do
    BACKEND_PORT=$((32768 + (RANDOM + try) % 20000))
    [ -z "$(ss -Hltn "sport = :$BACKEND_PORT")" ] || continue
    "$1" --listen "127.0.0.1:$BACKEND_PORT" --database-file "$TEMP/database-url" \
      --image-dir "$TEMP/images" --web-dir "$WEB_DIR" --api-key-file "$TEMP/api-key" \
      >"$TEMP/backend.log" 2>&1 &
    BACKEND_PID=$!
    wait_for 60 ready_or_ended
    curl -fsS --max-time 2 "http://127.0.0.1:$BACKEND_PORT/readyz" >/dev/null 2>&1 && return 0
    kill "$BACKEND_PID" 2>/dev/null
    wait "$BACKEND_PID" 2>/dev/null
  done
  return 1
}

ready_or_ended() {
  curl -fsS --max-time 2 "http://127.0.0.1:$BACKEND_PORT/readyz" || ! kill -0 "$BACKEND_PID"
}

clean_up() {
  local code=$?
  trap '' INT TERM
  if [ -n "$BACKEND_PID" ]; then
    kill "$BACKEND_PID" 2>/dev/null
    wait "$BACKEND_PID" 2>/dev/null
  fi
  postgres_remove
  rm -rf "$TEMP"
  exit $code
}

main "$@"
