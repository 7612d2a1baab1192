# shellcheck shell=dash
# shellcheck disable=SC2034,SC2154,SC1091  # WORK and LIB are set by the test.
# What the cases of ramdisk_functions_test.sh share: the functions under test, checks, a runner.
# Names in capitals belong to the functions under test; each case runs in a subshell of its own.

RUN_DIR=$WORK/run
CONSOLES=$WORK/console
SYS=$WORK/sys
. "$LIB/http.sh"
. "$LIB/report.sh"
. "$LIB/orders.sh"
. "$LIB/disk.sh"
. "$LIB/apply.sh"
. "$LIB/configure.sh"

FAILURES=$WORK/failures

# same WHAT EXPECTED ACTUAL
same() {
  [ "$2" = "$3" ] && return 0
  printf '    %s: expected [%s], got [%s]\n' "$1" "$2" "$3"
  : >"$WORK/case.failed"
}

# holds WHAT TEXT PART: TEXT contains PART.
holds() {
  case $2 in
    *"$3"*) ;;
    *)
      printf '    %s: [%s] does not hold [%s]\n' "$1" "$2" "$3"
      : >"$WORK/case.failed"
      ;;
  esac
}

# accepts / refuses COMMAND...
accepts() {
  "$@" || {
    printf '    should succeed: %s\n' "$*"
    : >"$WORK/case.failed"
  }
}
refuses() {
  if "$@"; then
    printf '    should be refused: %s\n' "$*"
    : >"$WORK/case.failed"
  fi
}

# run CASE: a subshell with clean folders.
run() {
  rm -rf "$WORK/case.failed" "$RUN_DIR" "$SYS"
  mkdir -p "$RUN_DIR" "$SYS/block" "$SYS/class"
  : >"$CONSOLES"
  ("$1") || {
    printf '    ended with %d\n' $?
    : >"$WORK/case.failed"
  }
  if [ -e "$WORK/case.failed" ]; then
    printf 'FAILED %s\n' "$1"
    printf '%s\n' "$1" >>"$FAILURES"
  else
    printf 'ok     %s\n' "$1"
  fi
}

# run_cases CASE...: 1 if any failed.
run_cases() {
  for test_case in "$@"; do
    run "$test_case"
  done
  if [ -e "$FAILURES" ]; then
    printf '%d cases failed\n' "$(wc -l <"$FAILURES")"
    return 1
  fi
}

SHA=$(printf 'a%.0s' $(seq 64))
good_orders() {
  cat <<EOF
task_id t-1
callback_token tok.en
callback_url http://10.77.0.2:9080/api/v1/provisioning/tasks/t-1/events
hostname web-01.branch.example
mac 52:54:00:AA:00:01
image_url http://10.77.0.2:9081/images/i-1
image_sha256 $SHA
image_size_bytes 1000
image_format raw.zst
unpacked_size_bytes 4000
net_dhcp yes
EOF
}
