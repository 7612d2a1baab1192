#!/bin/bash
# From nothing to two installed machines, watched: what Tentacle is for, on one host.
#
#   scripts/demo.sh [--once] [--keep]
#
#   --once   end after the two machines are complete, instead of leaving the page up until Ctrl-C
#   --keep   leave the folder with logs and disks behind
#
# On a fresh Debian 12, as root: installs what is missing, builds, starts a private PostgreSQL, the
# backend and a branch office in network namespaces (with a DHCP server that knows nothing of
# booting), enrolls a tentacle, orders a BIOS and a UEFI machine through the backend's API and
# switches them on. At its end, also after Ctrl-C or a failure, nothing it started is left.
set -euo pipefail

REPO=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/lib/say.sh
. "$REPO/scripts/lib/say.sh"
# shellcheck source=scripts/lib/packages.sh
. "$REPO/scripts/lib/packages.sh"
# shellcheck source=scripts/lib/build.sh
. "$REPO/scripts/lib/build.sh"
# shellcheck source=scripts/lib/postgres.sh
. "$REPO/scripts/lib/postgres.sh"
# shellcheck source=scripts/lib/lab.sh
. "$REPO/scripts/lib/lab.sh"
# shellcheck source=scripts/lib/stack.sh
. "$REPO/scripts/lib/stack.sh"
# shellcheck source=scripts/lib/install_run.sh
. "$REPO/scripts/lib/install_run.sh"

ONCE=no
KEEP=no
TEMP=
WAITING=
MACHINES=(bios-01:bios uefi-01:uefi)

main() {
  read_arguments "$@"
  [ "$(id -u)" = 0 ] || fail 'root is needed: for network namespaces, TAP devices and packages'
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  TEMP=$(mktemp -d /tmp/tentacle-demo.XXXXXX)
  prepare
  start
  install
  steps_table
  finish
}

read_arguments() {
  local argument
  for argument in "$@"; do
    case $argument in
      --once) ONCE=yes ;;
      --keep) KEEP=yes ;;
      -h | --help)
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"
        exit 0
        ;;
      *) fail "unknown argument $argument; --help tells more" ;;
    esac
  done
}

fail() {
  printf 'demo: %s\n' "$*" >&2
  exit 1
}

# quietly NAME COMMAND...: its output goes to a log, of which the last line is shown now and then,
# and the end when it fails.
quietly() {
  local log=$TEMP/$1.log worker code=0 shown=0
  shift
  "$@" >"$log" 2>&1 &
  worker=$!
  while kill -0 "$worker" 2>/dev/null; do
    sleep 1
    shown=$(((shown + 1) % 20))
    [ $shown -ne 0 ] || printf '    ... %s\n' "$(tail -n 1 "$log" | cut -c 1-100)"
  done
  wait "$worker" || code=$?
  if [ $code -ne 0 ]; then
    show_tail "$log" 40
    fail "$* failed"
  fi
}

prepare() {
  step 'packages'
  ensure_packages build run lab web || fail 'packages are missing'
  step 'programs (the first time takes minutes)'
  quietly programs build_programs
  step 'web page'
  quietly page build_page
  step 'installer ramdisk'
  build_ramdisk
  step 'disk image of Debian 12'
  build_image
}

start() {
  step 'PostgreSQL, backend, branch office, tentacle'
  stack_up "$TEMP" || fail_with_logs 'the system did not start'
  printf '    tentacle "%s" is enrolled and online (%s)\n' "$TENTACLE_NAME" "$NODE_ID"
  step 'image registered'
  register_image || fail_with_logs 'the image could not be registered'
}

install() {
  local machine
  step 'a BIOS and a UEFI machine are installed'
  if ! install_machines - "${MACHINES[@]}"; then
    fail_with_logs 'not every machine was installed'
  fi
  step_end
  for machine in "${MACHINES[@]}"; do
    install_timeline "${machine%%:*}"
  done
}

fail_with_logs() {
  stack_show_logs
  fail "$1"
}

finish() {
  printf '\nBoth machines run from their own disks, installed by the tentacle.\n'
  [ "$ONCE" = no ] || return 0
  cat <<EOF

The page:     http://localhost:$BACKEND_PORT/#key=$API_KEY
The API key:  $API_KEY
Logs:         $LAB_DIR

Ctrl-C ends everything.
EOF
  # In the background, so that Ctrl-C is heeded at once.
  sleep infinity &
  WAITING=$!
  wait "$WAITING"
}

clean_up() {
  local code=$?
  # Nobody interrupts the tidying up.
  trap '' INT TERM
  printf '\n==> stopping and tidying up\n'
  [ -z "$WAITING" ] || kill "$WAITING" 2>/dev/null || true
  stack_down || true
  if [ "$KEEP" = yes ] && [ -n "$TEMP" ]; then
    echo "logs and disks are kept in $TEMP"
  elif [ -n "$TEMP" ]; then
    rm -rf "$TEMP"
  fi
  exit $code
}

main "$@"
