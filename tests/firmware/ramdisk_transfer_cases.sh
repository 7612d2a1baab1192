#!/bin/sh
# shellcheck shell=dash
# shellcheck disable=SC1091,SC2034,SC2154,SC2059,SC2317
# HTTP and the way of the image to the disk; the server is busybox httpd on loopback. Run by
# ramdisk_functions_test.sh.
. "$HERE/ramdisk_cases.sh"

# serve FOLDER: sets PORT. The server is ready when the port answers.
serve() {
  # busybox httpd cannot choose a free port itself.
  for PORT in $(seq 18431 18499); do
    httpd -f -p "127.0.0.1:$PORT" -h "$1" 2>/dev/null &
    SERVER=$!
    echo "$SERVER" >"$WORK/pids/httpd"
    serve_tries=0
    while kill -0 "$SERVER" 2>/dev/null && [ $serve_tries -lt 100 ]; do
      if nc -w 1 127.0.0.1 "$PORT" </dev/null >/dev/null 2>&1 && kill -0 "$SERVER" 2>/dev/null; then
        return 0
      fi
      serve_tries=$((serve_tries + 1))
      usleep 20000
    done
  done
  return 1
}

stop_serving() {
  kill "$SERVER" 2>/dev/null
  wait "$SERVER" 2>/dev/null
  rm -f "$WORK/pids/httpd"
}

# canned ANSWER: what http_read_answer makes of a text.
canned() {
  mkdir -p "$HTTP_DIR"
  HTTP_STATUS=000
  printf "$1" >"$WORK/answer"
  http_read_answer <"$WORK/answer"
}

whole_and_broken_answers_are_told_apart() {
  canned 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody'
  same whole 200 "$HTTP_STATUS"
  same body body "$(cat "$HTTP_DIR/body")"
  canned 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody'
  same 'cut off' 000 "$HTTP_STATUS"
  canned 'HTTP/1.1 200 OK\r\nContent-Le'
  same 'cut in the header' 000 "$HTTP_STATUS"
  canned 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n'
  same chunked 000 "$HTTP_STATUS"
  canned ''
  same silence 000 "$HTTP_STATUS"
  canned 'SSH-2.0-OpenSSH\r\n'
  same 'not HTTP' 000 "$HTTP_STATUS"
  canned 'HTTP/1.1 204 No Content\r\n\r\n'
  same 'no body' 204 "$HTTP_STATUS"
}

the_sentence_of_a_refusal_is_found() {
  canned 'HTTP/1.1 503 x\r\nRetry-After: 7\r\n\r\n{"title":"x", "detail": "the image \\"i\\" is on its way","status":503}'
  same problem 'the image "i" is on its way' "$(http_sentence)"
  same wait 7 "$(retry_after)"
  canned 'HTTP/1.1 403 x\r\n\r\nthis token was used\nsecond line'
  same text 'this token was used' "$(http_sentence)"
  same 'no word' 5 "$(retry_after)"
  canned 'HTTP/1.1 403 x\r\nRetry-After: Wed, 21 Oct\r\n\r\n'
  same nothing 'no reason was given' "$(http_sentence)"
  same date 5 "$(retry_after)"
}

an_event_is_valid_json() {
  same json '{"event":"failed","message":"a \"b\" \\c  d","progress":5,"error":"e"}' \
    "$(event_json failed 'a "b" \c 	d' 5 e)"
  same 'without the optional ones' '{"event":"booted","message":"m"}' "$(event_json booted m '' '')"
}

# an_image: a disk image of 3 MiB and some bytes whose content does not repeat; IMAGE is its file.
an_image() {
  mkdir -p "$WORK/www"
  IMAGE=$WORK/www/image
  seq 1 500000 | head -c 3200000 >"$IMAGE"
  IMAGE_SIZE=$(wc -c <"$IMAGE")
  IMAGE_SHA256=$(sha256sum "$IMAGE" | cut -d' ' -f1)
  IMAGE_FORMAT=raw
  SEGMENT_BYTES=1000000
  DISK=disk
}

an_old_disk() {
  DISK_FILE=$WORK/disk
  yes 'old content' | head -c $((5 * 1048576)) >"$DISK_FILE"
}

an_image_comes_whole_to_the_disk() {
  an_image
  an_old_disk
  serve "$WORK/www"
  IMAGE_URL=http://127.0.0.1:$PORT/image CALLBACK_URL=http://127.0.0.1:$PORT/none CALLBACK_TOKEN=t
  accepts apply_image "$DISK_FILE" 5242880
  same reason '' "$APPLY_REASON"
  same bytes "$IMAGE_SHA256" "$(head -c "$IMAGE_SIZE" "$DISK_FILE" | sha256sum | cut -d' ' -f1)"
  same 'the copy of an old table is gone' 0 "$(tail -c 1048576 "$DISK_FILE" | tr -d '\000' | wc -c)"
  stop_serving
}

a_packed_image_is_unpacked() {
  an_image
  an_old_disk
  unpacked_sum=$IMAGE_SHA256 unpacked_size=$IMAGE_SIZE
  zstd -q -f "$IMAGE" -o "$IMAGE.zst"
  IMAGE_FORMAT=raw.zst
  IMAGE_SIZE=$(wc -c <"$IMAGE.zst")
  IMAGE_SHA256=$(sha256sum "$IMAGE.zst" | cut -d' ' -f1)
  serve "$WORK/www"
  IMAGE_URL=http://127.0.0.1:$PORT/image.zst CALLBACK_URL=http://127.0.0.1:$PORT/none
  accepts apply_image "$DISK_FILE" 5242880
  same bytes "$unpacked_sum" "$(head -c "$unpacked_size" "$DISK_FILE" | sha256sum | cut -d' ' -f1)"
  stop_serving
}

a_wrong_checksum_leaves_no_bootable_disk() {
  an_image
  an_old_disk
  IMAGE_SHA256=$SHA
  serve "$WORK/www"
  IMAGE_URL=http://127.0.0.1:$PORT/image CALLBACK_URL=http://127.0.0.1:$PORT/none
  refuses apply_image "$DISK_FILE" 5242880
  holds reason "$APPLY_REASON" 'the image is not the one ordered'
  same 'the head is zero' 0 "$(head -c 1048576 "$DISK_FILE" | tr -d '\000' | wc -c)"
  stop_serving
}

a_torn_archive_leaves_no_bootable_disk() {
  an_image
  an_old_disk
  zstd -q -f "$IMAGE" -o "$WORK/whole.zst"
  head -c 100000 "$WORK/whole.zst" >"$IMAGE.zst"
  IMAGE_FORMAT=raw.zst
  IMAGE_SIZE=100000
  IMAGE_SHA256=$(sha256sum "$IMAGE.zst" | cut -d' ' -f1)
  serve "$WORK/www"
  IMAGE_URL=http://127.0.0.1:$PORT/image.zst CALLBACK_URL=http://127.0.0.1:$PORT/none
  refuses apply_image "$DISK_FILE" 5242880 2>/dev/null
  holds reason "$APPLY_REASON" 'cannot be unpacked'
  same 'the head is zero' 0 "$(head -c 1048576 "$DISK_FILE" | tr -d '\000' | wc -c)"
  stop_serving
}

a_server_that_comes_back_is_waited_for() {
  an_image
  serve "$WORK/www"
  stop_serving
  IMAGE_URL=http://127.0.0.1:$PORT/image
  # The same port again, once the first try has been in vain: `sleep` is where a try ends.
  sleep() {
    httpd -f -p "127.0.0.1:$PORT" -h "$WORK/www" 2>/dev/null &
    echo $! >"$WORK/pids/httpd"
    usleep 300000
  }
  accepts fetch_segment "$IMAGE_URL" 1000000 1000 "$IMAGE_SIZE"
  same bytes "$(tail -c +1000001 "$IMAGE" | head -c 1000 | md5sum)" "$(md5sum <"$HTTP_DIR/body")"
  kill "$(cat "$WORK/pids/httpd")"
  rm -f "$WORK/pids/httpd"
}

patience_has_an_end() {
  an_image
  serve "$WORK/www"
  stop_serving
  IMAGE_URL=http://127.0.0.1:$PORT/image SILENCE_PATIENCE_S=0
  refuses fetch_segment "$IMAGE_URL" 0 1000 "$IMAGE_SIZE"
  holds reason "$FETCH_REASON" 'given up'
}

an_image_that_changed_is_refused() {
  an_image
  serve "$WORK/www"
  IMAGE_URL=http://127.0.0.1:$PORT/image
  refuses fetch_segment "$IMAGE_URL" 0 1000 $((IMAGE_SIZE + 1))
  holds reason "$FETCH_REASON" 'the image has changed'
  stop_serving
}

run_cases whole_and_broken_answers_are_told_apart the_sentence_of_a_refusal_is_found \
  an_event_is_valid_json an_image_comes_whole_to_the_disk a_packed_image_is_unpacked \
  a_wrong_checksum_leaves_no_bootable_disk a_torn_archive_leaves_no_bootable_disk \
  a_server_that_comes_back_is_waited_for patience_has_an_end an_image_that_changed_is_refused
