#!/bin/bash
# Nothing lost, nothing twice, nothing out of order: events through kills (the database too), pauses, cut
# lines and full disks, counted in PostgreSQL.
#
#   tests/torture/torture.sh [short|long|figure] [SEED...]
#
#   short    3,000 events, 40 faults, one seed: what every run of the tests does
#   long     10,000 events, 200 faults for each of three seeds
#   figure   100,000 events: the figure of bench/
#
# Runs the real uplink, the real backend and a private PostgreSQL on loopback; only the services that the
# events come from are played (event_source.cc). BUILD_PRESET says which build, dev unless set. Prints
# "ok - ..." or "not ok - ..." for each check and the seed first.
set -uo pipefail

REPO=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=scripts/lib/say.sh
. "$REPO/scripts/lib/say.sh"
# shellcheck source=scripts/lib/postgres.sh
. "$REPO/scripts/lib/postgres.sh"

PRESET=${BUILD_PRESET:-dev}
TEMP=

main() {
  local mode=${1-short} events faults
  shift
  case $mode in
    short) events=3000 faults=40 ;;
    long) events=10000 faults=200 ;;
    figure) events=100000 faults=200 ;;
    *)
      echo "torture: short, long or figure, not $mode" >&2
      exit 64
      ;;
  esac
  [ "$(id -u)" = 0 ] || {
    echo 'torture: root is needed for a small disk of its own'
    exit 77
  }
  local seeds=("$@") failed=0 seed
  if [ "${#seeds[@]}" = 0 ]; then seeds=(1); fi
  if [ "$mode" = long ] && [ "$#" = 0 ]; then seeds=(1 2 3); fi
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  for seed in "${seeds[@]}"; do
    TEMP=$(mktemp -d /tmp/tentacle-torture.XXXXXX)
    postgres_start "$TEMP/postgres" || exit 1
    mkdir "$TEMP/disk"
    # Small, so that it can be filled: the store refuses below 32 MiB.
    mount -t tmpfs -o size=512m tentacle-torture "$TEMP/disk" || exit 1
    python3 "$REPO/tests/torture/torture.py" --seed "$seed" --events "$events" --faults "$faults" \
      --folder "$TEMP" --database "$POSTGRES_URL" --postgres "$POSTGRES_DIR" \
      --tentacle "$REPO/build/$PRESET/cli/octofleet-tentacle" \
      --backend "$REPO/build/$PRESET/backend/octofleet-backend" \
      --source "$REPO/build/$PRESET/tests/torture/torture_source" || failed=1
    clean_up
  done
  exit "$failed"
}

clean_up() {
  [ -n "$TEMP" ] || return
  postgres_stop
  umount -l "$TEMP/disk" 2>/dev/null
  if [ -n "${KEEP-}" ]; then echo "kept: $TEMP"; else rm -rf "$TEMP"; fi
  TEMP=
}

main "$@"
