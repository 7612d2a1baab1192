# shellcheck shell=dash
# shellcheck disable=SC2034  # Names in capitals are read by the files beside this one.
# One HTTP question, one answer, with busybox nc.
#
# Not busybox wget: it takes a 206 for an error when a Range header was given, and it throws away
# the body of a refusal, which holds the sentence a person needs. The servers asked here are pxe and
# cache of the tentacle; both answer with an exact Content-Length.

RUN_DIR=${RUN_DIR:-/run/tentacle}
HTTP_DIR=${HTTP_DIR:-$RUN_DIR/http}
# Longest time for one question with its answer. A segment of 8 MiB within it needs 28 KiB/s.
HTTP_TIMEOUT_S=${HTTP_TIMEOUT_S:-300}
HTTP_CONNECT_TIMEOUT_S=10
HTTP_BODY_FILE=

# split_url URL: sets URL_HOST, URL_PORT, URL_PATH. Returns 1 for anything but plain http.
split_url() {
  case $1 in
    http://?*) ;;
    *) return 1 ;;
  esac
  url_rest=${1#http://}
  url_authority=${url_rest%%/*}
  URL_PATH=/
  case $url_rest in
    */*) URL_PATH=/${url_rest#*/} ;;
  esac
  URL_HOST=${url_authority%%:*}
  URL_PORT=80
  case $url_authority in
    *:*) URL_PORT=${url_authority##*:} ;;
  esac
  case $URL_PORT in
    '' | *[!0-9]*) return 1 ;;
  esac
  [ -n "$URL_HOST" ]
}

# http_ask METHOD URL [HEADER]...: asks once; the body to send is in HTTP_BODY_FILE, if that is set.
# Sets HTTP_STATUS (000 when there was no whole answer), HTTP_RETRY_AFTER, HTTP_CONTENT_RANGE, and
# leaves the answer's body in $HTTP_DIR/body.
http_ask() {
  http_method=$1
  HTTP_STATUS=000
  mkdir -p "$HTTP_DIR"
  : >"$HTTP_DIR/body"
  split_url "$2" || return 0
  shift 2
  {
    printf '%s %s HTTP/1.1\r\n' "$http_method" "$URL_PATH"
    printf 'Host: %s:%s\r\nConnection: close\r\n' "$URL_HOST" "$URL_PORT"
    for http_header in "$@"; do
      printf '%s\r\n' "$http_header"
    done
    if [ -n "$HTTP_BODY_FILE" ]; then
      printf 'Content-Length: %d\r\n\r\n' "$(wc -c <"$HTTP_BODY_FILE")"
      cat "$HTTP_BODY_FILE"
    else
      printf '\r\n'
    fi
  } | timeout "$HTTP_TIMEOUT_S" nc -w "$HTTP_CONNECT_TIMEOUT_S" "$URL_HOST" "$URL_PORT" \
    >"$HTTP_DIR/answer" 2>/dev/null
  http_read_answer <"$HTTP_DIR/answer"
  rm -f "$HTTP_DIR/answer"
}

# http_read_answer: standard input is an answer. The shell's read takes single bytes, so the `cat`
# after the empty line starts exactly at the body.
http_read_answer() {
  HTTP_RETRY_AFTER=
  HTTP_CONTENT_RANGE=
  http_length=
  http_chunked=no
  IFS=' ' read -r http_version http_status _ || return 0
  case $http_version in
    HTTP/1.?) ;;
    *) return 0 ;;
  esac
  http_end=no
  while IFS= read -r http_line; do
    http_line=${http_line%"$CARRIAGE_RETURN"}
    if [ -z "$http_line" ]; then
      http_end=yes
      break
    fi
    http_value=${http_line#*:}
    http_value=${http_value# }
    case $(printf '%s' "${http_line%%:*}" | tr '[:upper:]' '[:lower:]') in
      content-length) http_length=$http_value ;;
      content-range) HTTP_CONTENT_RANGE=$http_value ;;
      retry-after) HTTP_RETRY_AFTER=$http_value ;;
      transfer-encoding) http_chunked=yes ;;
    esac
  done
  [ "$http_end" = yes ] || return 0
  cat >"$HTTP_DIR/body"
  # A connection that broke off is no answer, and neither is one in chunks.
  [ "$http_chunked" = no ] || return 0
  if [ -n "$http_length" ]; then
    [ "$(wc -c <"$HTTP_DIR/body")" -eq "$http_length" ] 2>/dev/null || return 0
  fi
  case ${http_status%"$CARRIAGE_RETURN"} in
    [1-5][0-9][0-9]) HTTP_STATUS=${http_status%"$CARRIAGE_RETURN"} ;;
  esac
}
CARRIAGE_RETURN=$(printf '\r')

# http_sentence: what the last answer said in words: `detail` of a problem document (RFC 9457), or
# the first line of a plain text; printable characters only, at most 300.
http_sentence() {
  http_text=$(head -c 4096 "$HTTP_DIR/body" | tr -d '\000-\011\013-\037\177')
  case $http_text in
    \{*) http_text=$(printf '%s' "$http_text" | tr '\n' ' ' |
      sed -n 's/.*"detail"[ ]*:[ ]*"\(\([^"\\]\|\\.\)*\)".*/\1/p' | sed 's/\\\(.\)/\1/g') ;;
  esac
  [ -n "$http_text" ] || http_text='no reason was given'
  printf '%s\n' "$http_text" | head -n 1 | head -c 300
}

# retry_after: how many seconds the last answer asked to wait: 1 to 60, and 5 if it did not say.
retry_after() {
  case $HTTP_RETRY_AFTER in
    '' | *[!0-9]* | ?????*) echo 5 ;;
    *)
      if [ "$HTTP_RETRY_AFTER" -lt 1 ]; then
        echo 1
      elif [ "$HTTP_RETRY_AFTER" -gt 60 ]; then
        echo 60
      else
        echo "$HTTP_RETRY_AFTER"
      fi
      ;;
  esac
}
