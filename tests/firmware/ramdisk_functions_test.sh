#!/bin/bash
# The installer's functions, run by the shell that runs them in the ramdisk: busybox sh with nothing
# but busybox's own programs in the path (and zstd). A disk is a file, /sys is a tree of files, the
# tentacle is busybox httpd. No root, no network but loopback, no virtual machine.
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
BUSYBOX=$(command -v busybox) || { echo 'busybox-static is missing' >&2; exit 1; }
WORK=$(mktemp -d)
# shellcheck disable=SC2317  # Called by the trap.
cleanup() {
  # Whatever a broken test left running has its pid here.
  local file
  for file in "$WORK"/pids/*; do
    if [ -e "$file" ]; then
      kill "$(cat "$file")" 2>/dev/null || true
    fi
  done
  rm -rf "$WORK"
}
trap cleanup EXIT

mkdir -p "$WORK/bin" "$WORK/pids"
for applet in $("$BUSYBOX" --list); do
  ln -s "$BUSYBOX" "$WORK/bin/$applet"
done
# The command itself, for the shell that is started below.
[ -e "$WORK/bin/busybox" ] || ln -s "$BUSYBOX" "$WORK/bin/busybox"
ln -s "$(command -v zstd)" "$WORK/bin/zstd"

FAILED=0
for cases in ramdisk_orders_cases.sh ramdisk_transfer_cases.sh; do
  rm -f "$WORK/failures"
  env -i PATH="$WORK/bin" WORK="$WORK" HERE="$HERE" LIB="$HERE/../../deploy/ramdisk/lib" \
    "$BUSYBOX" sh "$HERE/$cases" || FAILED=1
done
[ $FAILED -eq 0 ] && echo 'all cases passed'
exit $FAILED
