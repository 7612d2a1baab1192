# shellcheck shell=bash
# The checks of a script that tests: each prints "ok - ..." or "not ok - ...", as scripts/test.sh counts them.
#
# To be sourced after say.sh. The script sets TEMP (a folder of its own), PATIENCE_S (for what may take its time) and
# FAILED (0), and looks at FAILED at its end.
# shellcheck disable=SC2034,SC2153,SC2317

# check TEXT COMMAND...
check() {
  local text=$1
  shift
  if "$@" >"$TEMP/check.log" 2>&1; then
    echo "ok - $text"
  else
    echo "not ok - $text"
    sed 's/^/#   /' "$TEMP/check.log" | tail -n 20
    FAILED=$((FAILED + 1))
  fi
}

fails() { ! "$@"; }

# comes TEXT COMMAND...: a check that may take its time.
comes() {
  local text=$1
  shift
  check "$text" wait_for "$PATIENCE_S" "$@"
}
