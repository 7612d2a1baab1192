# shellcheck shell=bash
# How scripts speak: steps with their times, so that whoever watches sees what takes long.
#
# To be sourced.

STEP_NAMES=()
STEP_SECONDS=()
STEP_STARTED=

# now_s: seconds of a clock that nobody sets.
now_s() {
  local uptime
  read -r uptime _ </proc/uptime
  printf '%s\n' "${uptime%%.*}"
}

# step TEXT: ends the step before and starts the next.
step() {
  step_end
  STEP_NAMES+=("$1")
  STEP_STARTED=$(now_s)
  printf '\n==> %s\n' "$1"
}

step_end() {
  [ -n "$STEP_STARTED" ] || return 0
  STEP_SECONDS+=("$(($(now_s) - STEP_STARTED))")
  printf '    (%d s)\n' "${STEP_SECONDS[-1]}"
  STEP_STARTED=
}

# steps_table: every step and its time.
steps_table() {
  step_end
  local i total=0
  printf '\n%-44s %8s\n' 'step' 'seconds'
  for i in "${!STEP_NAMES[@]}"; do
    printf '%-44s %8d\n' "${STEP_NAMES[$i]}" "${STEP_SECONDS[$i]:-0}"
    total=$((total + ${STEP_SECONDS[$i]:-0}))
  done
  printf '%-44s %8d\n' 'together' "$total"
}

# wait_for SECONDS COMMAND...: until the command succeeds; 1 when the time is over.
wait_for() {
  local until=$(($(now_s) + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$(now_s)" -lt "$until" ] || return 1
    sleep 0.2
  done
}

# show_tail FILE [LINES]: the end of a log, when something went wrong.
show_tail() {
  [ -s "$1" ] || return 0
  printf -- '---- the end of %s\n' "$1" >&2
  tail -n "${2:-20}" "$1" | cut -c 1-400 | tr -d '\033' >&2
}
