# shellcheck shell=bash
# What the tests on real firmware have in common: the stack, one line a check, everything taken down at the end.
#
# To be sourced with `set -euo pipefail` on. A test calls begin, stack_or_end, any number of checks, and finish.
# shellcheck disable=SC2034  # Names in capitals are for scripts/lib and the tests.

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=scripts/lib/say.sh
. "$REPO/scripts/lib/say.sh"
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
CHECKS_FAILED=0
TEMP=

# begin NAME: a folder, and a promise to clear up.
begin() {
  [ "$(id -u)" = 0 ] || {
    echo "$1: root is needed" >&2
    exit 1
  }
  trap clean_up EXIT
  trap 'exit 130' INT TERM
  TEMP=$(mktemp -d /tmp/tentacle-test.XXXXXX)
}

# stack_or_end COMMAND...: the whole system, and then the command, or the logs and the end.
stack_or_end() {
  if ! stack_up "$TEMP" || ! "$@"; then
    stack_show_logs
    exit 1
  fi
}

# check TEXT COMMAND...: a line, and the count.
check() {
  local text=$1
  shift
  if "$@"; then
    printf 'ok     %s\n' "$text"
  else
    printf 'FAILED %s\n' "$text"
    CHECKS_FAILED=$((CHECKS_FAILED + 1))
  fi
}

# finish: how it went.
finish() {
  [ $CHECKS_FAILED -eq 0 ] || {
    stack_show_logs
    echo "$CHECKS_FAILED checks failed"
    exit 1
  }
  echo 'all checks hold'
}

clean_up() {
  local code=$?
  trap '' INT TERM
  stack_down || true
  if [ -n "$TEMP" ]; then rm -rf "$TEMP"; fi
  exit $code
}
