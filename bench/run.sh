#!/bin/bash
# Benchmarks: ours and the peers in turn, within one run on one machine.
#
#   bench/run.sh AREA...
#
# Installs what is missing, builds the release, measures, prints a table and then a line for each figure:
#   figure AREA.NAME VALUE UNIT bound OP NUMBER met|short     (OP and NUMBER without a blank)
# Exit code 0 when everything could be measured, whatever the figures say; 64 for an unknown area. Needs root.
# BENCH_RUNS=5 measures five times instead of three; BENCH_BUILD=no takes the build that is there.
set -uo pipefail

BENCH_REPO=$(cd "$(dirname "$0")/.." && pwd)
export BUILD_PRESET=release   # Another build has other figures.
for part in scripts/lib/{say,packages,build,postgres,lab,stack} bench/lib/{figures,process,setup}; do
  # shellcheck disable=SC1090  # The list above.
  . "$BENCH_REPO/$part.sh"
done
# shellcheck disable=SC2034  # For setup.sh and the areas.
BENCH_BIN_DIR=$BENCH_REPO/build/$BUILD_PRESET/bench

MEASURING=
# interrupted CODE: an area takes down what it started before this ends.
# shellcheck disable=SC2317  # Called by the traps.
interrupted() {
  trap '' INT TERM
  [ -z "$MEASURING" ] || kill -TERM "$MEASURING" 2>/dev/null
  wait
  exit "$1"
}
trap 'interrupted 130' INT
trap 'interrupted 143' TERM

main() {
  local area code=0
  case ${1-} in
    '' | -h | --help)
      sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"
      printf 'Areas: %s\n' "$(areas)"
      [ -n "${1-}" ]
      exit $((64 * $?))
      ;;
  esac
  for area in "$@"; do
    [[ "$area" =~ ^[a-z]+$ && "$area" != run && -f "$BENCH_REPO/bench/$area.sh" ]] || {
      printf 'bench: there is no area %s; there is: %s\n' "$area" "$(areas)" >&2
      exit 64
    }
  done
  for area in "$@"; do
    # In a shell of its own: what an area starts and sets ends with it. Waited for in the background, since a shell
    # hears a signal only when what it runs in the foreground has ended.
    measure "$area" &
    MEASURING=$!
    wait "$MEASURING" || code=1
  done
  exit $code
}

# areas: every file bench/AREA.sh but this one.
areas() {
  local file
  for file in "$BENCH_REPO"/bench/*.sh; do
    file=${file##*/}
    [ "$file" = run.sh ] || printf '%s ' "${file%.sh}"
  done
}

measure() {
  local groups
  AREA=$1
  # shellcheck disable=SC1090  # Checked by main.
  . "$BENCH_REPO/bench/$AREA.sh"
  bench_begin || exit 1
  read -ra groups <<<"$AREA_PACKAGES"
  ensure_packages "${groups[@]}" || exit 1
  area_measure || {
    printf 'bench: %s could not be measured\n' "$AREA" >&2
    exit 1
  }
}

main "$@"
