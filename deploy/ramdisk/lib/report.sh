# shellcheck shell=dash
# shellcheck disable=SC2034  # Names in capitals are read by the files beside this one.
# What the installer says: to whoever stands before the machine, and to the tentacle.
#
# Needs http.sh. Reads CALLBACK_URL and CALLBACK_TOKEN, which the orders set (orders.sh).

RUN_DIR=${RUN_DIR:-/run/tentacle}
CONSOLES=${CONSOLES:-/dev/tty0 /dev/ttyS0}

# A report that decides something (booted, configuring, failed) is repeated this long, so that a
# restart of the tentacle's services in between does not lose it. Seconds.
REPORT_PATIENCE_S=${REPORT_PATIENCE_S:-600}
# A report of progress is worth one short try only: the next one says more anyway. Seconds.
PROGRESS_TIMEOUT_S=4

# say SENTENCE...: one line on the screen and on the serial line. A machine may have only one of the
# two, and the kernel's command line need not name either, so both are tried.
say() {
  for console in $CONSOLES; do
    # The redirection is in a subshell: a missing device is then an error of the subshell alone.
    (printf 'tentacle: %s\r\n' "$*" >"$console") 2>/dev/null || true
  done
}

# now: seconds since the kernel started. The wall clock is not used: nothing has set it yet.
now() {
  read -r uptime _ </proc/uptime
  printf '%s\n' "${uptime%%.*}"
}

# json_text TEXT: TEXT as the inside of a JSON string. Control characters become spaces.
json_text() {
  printf '%s' "$1" | tr '\000-\037\177' ' ' | sed -e 's/\\/\\\\/g' -e 's/"/\\"/g'
}

# event_json EVENT MESSAGE PROGRESS ERROR: the body of a report; the last two may be empty.
event_json() {
  printf '{"event":"%s","message":"%s"' "$(json_text "$1")" "$(json_text "$2")"
  [ -z "$3" ] || printf ',"progress":%d' "$3"
  [ -z "$4" ] || printf ',"error":"%s"' "$(json_text "$4")"
  printf '}'
}

# post_event EVENT MESSAGE [PROGRESS] [ERROR]: one try. Afterwards HTTP_STATUS holds the answer.
post_event() {
  mkdir -p "$HTTP_DIR"
  event_json "$1" "$2" "${3-}" "${4-}" >"$HTTP_DIR/event.json"
  HTTP_BODY_FILE=$HTTP_DIR/event.json
  http_ask POST "$CALLBACK_URL" "Authorization: Bearer $CALLBACK_TOKEN" \
    'Content-Type: application/json'
  HTTP_BODY_FILE=
}

# report EVENT MESSAGE [PROGRESS] [ERROR]: repeats until the tentacle has taken the report, refused
# it, or REPORT_PATIENCE_S are over. Returns 0 when taken, 2 when refused, 1 when nobody answered.
report() {
  [ -n "${CALLBACK_URL-}" ] || return 1
  report_until=$(($(now) + REPORT_PATIENCE_S))
  report_pause=1
  while :; do
    post_event "$@"
    case $HTTP_STATUS in
      2??) return 0 ;;
      401 | 403 | 404 | 409 | 410)
        say "the tentacle refused the report '$1' ($HTTP_STATUS): $(http_sentence)"
        return 2
        ;;
    esac
    [ "$(now)" -lt "$report_until" ] || return 1
    sleep "$report_pause"
    [ "$report_pause" -ge 8 ] || report_pause=$((report_pause * 2))
  done
}

# report_progress EVENT MESSAGE PROGRESS: in the background and at most once; it never holds up the
# installation. It has files of its own because a segment is being fetched at the same time.
report_progress() {
  (
    HTTP_DIR=$RUN_DIR/http-progress
    HTTP_TIMEOUT_S=$PROGRESS_TIMEOUT_S
    post_event "$@"
  ) &
}
