# shellcheck shell=bash
# What an area needs around it: a folder, the release build, a backend with its database and a branch office.
#
# To be sourced after the files of scripts/lib and process.sh.
# shellcheck disable=SC2034  # IMAGE_DIR and WEB_DIR are for scripts/lib/stack.sh.

BENCH_RUNS=${BENCH_RUNS:-3}      # Of each program, in turn; a median of fewer is none.
BENCH_BUILD=${BENCH_BUILD:-yes}  # no: measure the build that is there, whatever it was made of.
BENCH_PID=
BENCH_PAUSE=

# bench_begin: to be called first by an area. Sets BENCH_DIR; at the end, however it comes, nothing is left.
bench_begin() {
  [ "$(id -u)" = 0 ] || {
    echo 'bench: root is needed: for packages, network namespaces and PostgreSQL' >&2
    return 1
  }
  [ "$BENCH_RUNS" -ge 3 ] || {
    echo 'bench: BENCH_RUNS is at least 3' >&2
    return 1
  }
  BENCH_DIR=$(mktemp -d /tmp/tentacle-bench.XXXXXX)
  trap bench_end EXIT
  trap 'exit 143' TERM   # From run.sh, which also hears Ctrl-C.
}

# bench_end [CODE]: for the trap of an area, which does something else before, with the code it began with.
bench_end() {
  local code=${1-$?}
  # Once more would leave half of it standing.
  trap '' TERM
  [ "$code" = 0 ] || [ "$code" = 143 ] || bench_show_logs
  [ -z "$BENCH_PAUSE" ] || kill "$BENCH_PAUSE" 2>/dev/null
  stop_alone
  stack_down
  rm -rf "$BENCH_DIR"
  exit "$code"
}

bench_show_logs() {
  local file
  for file in "$BENCH_DIR"/*.log "$BENCH_DIR"/lab/*.log; do
    show_tail "$file" 15
  done
}

# bench_build TARGET...: the release build of both programs, and what the area needs beside them.
bench_build() {
  local target
  if [ "$BENCH_BUILD" = yes ]; then
    progress 'release build (BENCH_BUILD=no takes the one that is there)'
    build_programs "$@" >"$BENCH_DIR/build.log" 2>&1 || return 1
  fi
  for target in "$TENTACLE_BIN" "$BACKEND_BIN" "${@/#/$BENCH_BIN_DIR/}"; do
    [ -x "$target" ] || {
      echo "bench: $target has not been built" >&2
      return 1
    }
  done
}

# branch_up: database, backend, networks, and an enrolled tentacle that has not been started. No page and no disk
# image, since they cost a build and nobody looks at them here.
branch_up() {
  progress 'database, backend, branch office'
  IMAGE_DIR=$BENCH_DIR/images
  WEB_DIR=$BENCH_DIR/page
  STACK_DIR=$BENCH_DIR
  mkdir -p "$IMAGE_DIR" "$WEB_DIR"
  echo '<!doctype html><title>bench</title>' >"$WEB_DIR/index.html"
  lab_up "$BENCH_DIR/lab" || return 1
  stack_remove_old_run
  printf '%s\n' "$BENCH_DIR" >"$LAB_STATE/folder"
  stack_database && stack_backend && stack_enroll && branch_boot_files
}

# iPXE's own files, and stand-ins for the ramdisk: no machine is switched on.
branch_boot_files() {
  local boot=$BENCH_DIR/state/cache/boot
  mkdir -p "$boot/ramdisk"
  cp -L /usr/lib/ipxe/undionly.kpxe /usr/lib/ipxe/ipxe.efi "$boot/" &&
    echo 'no kernel' >"$boot/ramdisk/vmlinuz" && echo 'no ramdisk' >"$boot/ramdisk/initrd.img"
}

# branch_start RESULT DOOR...: `octofleet-tentacle all` in the branch, timed by time_to_ready.py; waits until the
# backend has it online and all doors are open.
branch_start() {
  local result=$1
  shift
  rm -f "$result"
  lab_start tentacle tt-tent env TENTACLE_STATE_DIR="$STACK_DIR/state" \
    TENTACLE_RUN_DIR="$STACK_DIR/run" TENTACLE_PXE_INTERFACES="$LAB_LAN_DEVICE" \
    TENTACLE_DISCOVERY_INTERFACES="$LAB_LAN_DEVICE" \
    python3 "$BENCH_REPO/bench/time_to_ready.py" "$result" "$@" -- "$TENTACLE_BIN" all
  stack_wait_ready tentacle test -e "$result" && stack_wait_ready tentacle stack_tentacle_ready
}

branch_stop() { lab_stop tentacle; }

# start_alone RESULT DOOR COMMAND...: a peer in the root namespace, so it must listen on nothing but loopback or a
# Unix socket. Sets BENCH_PID.
start_alone() {
  local result=$1 door=$2
  shift 2
  rm -f "$result"
  setsid python3 "$BENCH_REPO/bench/time_to_ready.py" "$result" "$door" -- "$@" >>"$BENCH_DIR/peer.log" 2>&1 </dev/null &
  BENCH_PID=$!
  wait_for 20 test -e "$result" || {
    echo "bench: $1 did not open $door" >&2
    return 1
  }
}

stop_alone() {
  [ -n "$BENCH_PID" ] || return 0
  kill -TERM "$BENCH_PID" 2>/dev/null
  wait "$BENCH_PID" 2>/dev/null
  BENCH_PID=
}

# pause SECONDS: a signal ends it.
pause() {
  sleep "$1" &
  BENCH_PAUSE=$!
  wait "$BENCH_PAUSE"
  BENCH_PAUSE=
}

progress() { printf '==> %s\n' "$*"; }
