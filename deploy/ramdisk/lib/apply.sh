# shellcheck shell=dash
# From the tentacle's cache to the disk: fetched in segments, hashed as it passes, unpacked,
# written.
#
# The first MiB of the disk, which holds the partition table and the boot sector, is zero while the
# image is written, and is written last, after the SHA-256 of the whole stream was right. A machine
# whose installation broke off therefore never starts from half a system.

RUN_DIR=${RUN_DIR:-/run/tentacle}
SEGMENT_BYTES=$((8 * 1024 * 1024))   # Lies in RAM twice while it is checked; machines have 1 GiB.
HEAD_BYTES=$((1024 * 1024))

# The services of a tentacle may be restarted at any time, its host too: nothing or errors are
# answered with patience of ten minutes. While the cache says "not yet" (503) something is alive and
# fetching over a slow line, so that may take an hour. A 404 can be a cache that has just started.
SILENCE_PATIENCE_S=${SILENCE_PATIENCE_S:-600}
NOT_YET_PATIENCE_S=${NOT_YET_PATIENCE_S:-3600}
MISSING_PATIENCE_S=${MISSING_PATIENCE_S:-60}

# fetch_segment URL OFFSET LENGTH TOTAL: leaves the bytes in $HTTP_DIR/body. Returns 1 and sets
# FETCH_REASON when patience is at an end or the answer was final.
fetch_segment() {
  fetch_url=$1 fetch_from=$2 fetch_total=$4
  fetch_to=$((fetch_from + $3 - 1))
  fetch_start=$(now)
  fetch_pause=1
  FETCH_REASON='nobody answered'
  while :; do
    http_ask GET "$fetch_url" "Range: bytes=$fetch_from-$fetch_to"
    case $HTTP_STATUS in
      206)
        [ "$HTTP_CONTENT_RANGE" != "bytes $fetch_from-$fetch_to/$fetch_total" ] || return 0
        FETCH_REASON="the image has changed: '$HTTP_CONTENT_RANGE' came for"
        FETCH_REASON="$FETCH_REASON bytes $fetch_from-$fetch_to/$fetch_total"
        return 1
        ;;
      000) fetch_try_again "$SILENCE_PATIENCE_S" || return 1 ;;
      503)
        FETCH_REASON=$(http_sentence)
        say "waiting for the image: $FETCH_REASON"
        fetch_pause=$(retry_after)
        fetch_try_again "$NOT_YET_PATIENCE_S" || return 1
        ;;
      404 | 5??)
        FETCH_REASON="the tentacle answered $HTTP_STATUS: $(http_sentence)"
        fetch_patience=$SILENCE_PATIENCE_S
        [ "$HTTP_STATUS" != 404 ] || fetch_patience=$MISSING_PATIENCE_S
        fetch_try_again "$fetch_patience" || return 1
        ;;
      *)
        FETCH_REASON="the tentacle answered $HTTP_STATUS: $(http_sentence)"
        return 1
        ;;
    esac
  done
}

# fetch_try_again PATIENCE: waits before the next try; returns 1 when this segment had its time.
fetch_try_again() {
  if [ $(($(now) - fetch_start)) -ge "$1" ]; then
    FETCH_REASON="$FETCH_REASON (given up after $1 s)"
    return 1
  fi
  [ "$fetch_pause" -lt 4 ] || say "trying again in $fetch_pause s: $FETCH_REASON"
  sleep "$fetch_pause"
  [ "$fetch_pause" -ge 10 ] || fetch_pause=$((fetch_pause * 2))
}

# fetch_image: the whole image to standard output. A failure's sentence goes to fetch.reason, since
# this runs as a part of a pipe.
fetch_image() {
  image_offset=0
  progress_time=0
  progress_percent=-5
  while [ "$image_offset" -lt "$IMAGE_SIZE" ]; do
    image_want=$((IMAGE_SIZE - image_offset))
    [ "$image_want" -le "$SEGMENT_BYTES" ] || image_want=$SEGMENT_BYTES
    if ! fetch_segment "$IMAGE_URL" "$image_offset" "$image_want" "$IMAGE_SIZE"; then
      printf '%s\n' "$FETCH_REASON" >"$RUN_DIR/fetch.reason"
      return 1
    fi
    cat "$HTTP_DIR/body" || return 1
    image_offset=$((image_offset + image_want))
    progress_tell "$image_offset" "$IMAGE_SIZE"
  done
  # A late report of progress must not come after the next stage's.
  wait
}

# progress_tell DONE TOTAL: at most once in three seconds and for five per cent. The stage
# `downloading` fills the task's progress from 15 to 75; `applying` goes on from there.
progress_tell() {
  percent=$(($1 * 100 / $2))
  [ $((percent - progress_percent)) -ge 5 ] || return 0
  [ $(($(now) - progress_time)) -ge 3 ] || return 0
  progress_time=$(now)
  progress_percent=$percent
  say "image $percent % of $2 bytes"
  report_progress downloading "$percent % of $2 bytes written to $DISK" $((15 + percent * 60 / 100))
}

# unpack: standard input to standard output.
unpack() {
  case $IMAGE_FORMAT in
    raw.zst) zstd -dcq ;;
    *) cat ;;
  esac
}

# write_behind_head DEVICE: standard input is the disk image. Its first MiB is kept in RAM, the rest
# goes to its place on the disk.
write_behind_head() {
  dd of="$RUN_DIR/head" bs="$HEAD_BYTES" count=1 iflag=fullblock 2>/dev/null &&
    dd of="$1" bs=1M seek=1 iflag=fullblock conv=notrunc,fsync 2>"$RUN_DIR/dd.log"
}

# clear_table DEVICE BYTES: zeroes where a partition table and its copy at the end may be.
clear_table() {
  dd if=/dev/zero of="$1" bs=1M count=1 conv=notrunc,fsync 2>/dev/null &&
    dd if=/dev/zero of="$1" bs=1M count=1 seek=$(($2 / 1048576 - 1)) conv=notrunc,fsync 2>/dev/null
}

# apply_image DEVICE BYTES: everything above in one stream. Returns 1 and sets APPLY_REASON.
apply_image() {
  rm -f "$RUN_DIR"/fetch.reason "$RUN_DIR"/*.failed "$RUN_DIR/sum" "$RUN_DIR/sum.pipe"
  APPLY_REASON=
  if ! clear_table "$1" "$2"; then
    APPLY_REASON="the disk ${1#/dev/} cannot be written"
    return 1
  fi
  mkfifo "$RUN_DIR/sum.pipe"
  sha256sum <"$RUN_DIR/sum.pipe" >"$RUN_DIR/sum" &
  sum_pid=$!
  # A pipe tells only its last part's fate, so every part leaves a mark when it fails.
  { fetch_image || : >"$RUN_DIR/fetch.failed"; } | tee "$RUN_DIR/sum.pipe" |
    { unpack || : >"$RUN_DIR/unpack.failed"; } |
    { write_behind_head "$1" || { : >"$RUN_DIR/write.failed"; cat >/dev/null; }; }
  wait "$sum_pid"
  read -r image_sum _ <"$RUN_DIR/sum"
  apply_verdict "$1"
  [ -z "$APPLY_REASON" ] || return 1
  if ! dd if="$RUN_DIR/head" of="$1" bs="$HEAD_BYTES" conv=notrunc,fsync 2>/dev/null; then
    APPLY_REASON="the disk ${1#/dev/} did not take its partition table"
    return 1
  fi
}

# apply_verdict DEVICE: sets APPLY_REASON to the first thing that went wrong, in the order in which
# one causes the next.
apply_verdict() {
  if [ -s "$RUN_DIR/fetch.reason" ]; then
    APPLY_REASON="the image could not be fetched: $(cat "$RUN_DIR/fetch.reason")"
  elif [ -e "$RUN_DIR/write.failed" ]; then
    APPLY_REASON="the disk ${1#/dev/} could not be written: $(tail -n 1 "$RUN_DIR/dd.log")"
  elif [ -e "$RUN_DIR/fetch.failed" ]; then
    APPLY_REASON='the image could not be passed on'
  elif [ "$image_sum" != "$IMAGE_SHA256" ]; then
    APPLY_REASON="the image is not the one ordered: its SHA-256 is $image_sum,"
    APPLY_REASON="$APPLY_REASON ordered was $IMAGE_SHA256; the disk was not made bootable"
  elif [ -e "$RUN_DIR/unpack.failed" ]; then
    APPLY_REASON='the image cannot be unpacked'
  fi
}
