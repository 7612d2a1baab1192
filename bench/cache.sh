# shellcheck shell=bash
# Image bytes: how they are sent, fetched, checked and saved, each beside the program that is known for it.
# bench/README.md says what the figures mean.
#
# Sourced by run.sh.
# shellcheck disable=SC2034  # For run.sh.
AREA_PACKAGES="build run bench benchcache"

# shellcheck source=bench/lib/cache_site.sh
. "$BENCH_REPO/bench/lib/cache_site.sh"

CACHE_STATIC_MIB=${CACHE_STATIC_MIB:-512}   # Of the image that is sent; it lies in memory.
CACHE_STORM_MIB=${CACHE_STORM_MIB:-192}     # Of the image that 32 clients want while it is not here.
CACHE_WAN=${CACHE_WAN:-50}                  # MB/s
CACHE_PULL_MIB=${CACHE_PULL_MIB:-1024}      # Of the image that is pulled as fast as it goes.
CACHE_SPARSE_GIB=${CACHE_SPARSE_GIB:-8}
CACHE_RANDOM_GIB=${CACHE_RANDOM_GIB:-2}
CACHE_PARTS=${CACHE_PARTS:-static storm verify delta memory site}

ORIGIN_PORT=19410
CACHE_PORT=19411
ADMIN_PORT=19412
NGINX_PORT=19413
PIDS=()

area_measure() {
  local part
  bench_build image_origin image_clients || return 1
  trap 'BENCH_CODE=$?; cache_end; bench_end "$BENCH_CODE"' EXIT
  machine_line
  for part in $CACHE_PARTS; do
    progress "$part"
    "measure_$part" || return 1
    cache_end
  done
  figures_print
}

cache_end() {
  local pid
  for pid in "${PIDS[@]}"; do kill "$pid" 2>/dev/null; done
  for pid in "${PIDS[@]}"; do wait "$pid" 2>/dev/null; done
  PIDS=()
  ! mountpoint -q "$BENCH_DIR/tentacle" || umount "$BENCH_DIR/tentacle"
}

# start NAME COMMAND...: in the background, in its own log; sets STARTED.
start() {
  local name=$1
  shift
  "$@" >>"$BENCH_DIR/$name.log" 2>&1 </dev/null &
  STARTED=$!
  PIDS+=("$STARTED")
}

stop() {
  kill "$1" 2>/dev/null
  wait "$1" 2>/dev/null
  return 0
}

open_port() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# origin MEGABYTES_PER_SECOND ID=FILE...
origin() {
  start origin "$BENCH_BIN_DIR/image_origin" "$ORIGIN_PORT" "$@"
  ORIGIN=$STARTED
  wait_for 120 open_port "$ORIGIN_PORT"
}

# cache: ours, empty, in front of the origin.
cache() {
  local state=$BENCH_DIR/tentacle
  mkdir -p "$state" && find "$state" -mindepth 1 -delete && mkdir "$state/run"
  openssl genpkey -algorithm ed25519 -out "$state/tentacle.key" 2>/dev/null && chmod 600 "$state/tentacle.key"
  printf 'backend:\n  url: http://127.0.0.1:%s\nnode:\n  id: bench\ncache:\n  http_port: %s\n  admin_listen: 127.0.0.1:%s\n' \
    "$ORIGIN_PORT" "$CACHE_PORT" "$ADMIN_PORT" >"$state/config.yaml"
  start cache env TENTACLE_STATE_DIR="$state" TENTACLE_RUN_DIR="$state/run" "$TENTACLE_BIN" cache
  CACHE=$STARTED
  wait_for 20 open_port "$CACHE_PORT"
}

# metric NAME: of our cache, as it is printed.
metric() { curl -s "http://127.0.0.1:$ADMIN_PORT/metrics" | awk -v name="$1" '$1 == name { print $2 }'; }

cached_are() { [ "$(metric 'tentacle_cache_images{state="cached"}')" = "$1" ]; }

# pulled ID COUNT: asks for it and waits until so many images are cached.
pulled() {
  curl -s -o /dev/null -I "http://127.0.0.1:$CACHE_PORT/images/$1" && wait_for 300 cached_are "$2"
}

# served_to_the_end ID: its length and its last bytes are those of the origin's file.
served_to_the_end() {
  local url=http://127.0.0.1:$CACHE_PORT/images/$1 length
  length=$(curl -sI "$url" | tr -d '\r' | awk 'tolower($1) == "content-length:" { print $2 }')
  [ "$length" = "$(stat -c %s "$BENCH_DIR/$1")" ] && cmp -s <(curl -s -r -12 "$url") <(tail -c 12 "$BENCH_DIR/$1")
}

# nginx_with LINES: one worker that serves; sets NGINX to the worker.
nginx_with() {
  mkdir -p "$BENCH_DIR/nginx"
  cat >"$BENCH_DIR/nginx.conf" <<CONF
worker_processes 1;
daemon off;
pid $BENCH_DIR/nginx/pid;
error_log $BENCH_DIR/nginx.log;
user root;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  default_type application/octet-stream;
  client_body_temp_path $BENCH_DIR/nginx/body;
  proxy_temp_path $BENCH_DIR/nginx/proxy;
  fastcgi_temp_path $BENCH_DIR/nginx/fastcgi;
  uwsgi_temp_path $BENCH_DIR/nginx/uwsgi;
  scgi_temp_path $BENCH_DIR/nginx/scgi;
  $1
}
CONF
  start nginx nginx -p "$BENCH_DIR/nginx" -c "$BENCH_DIR/nginx.conf"
  NGINX_MASTER=$STARTED
  wait_for 20 open_port "$NGINX_PORT" && NGINX=$(pgrep -P "$NGINX_MASTER" | head -n 1) && [ -n "$NGINX" ]
}

random_file() { openssl enc -aes-128-ctr -nosalt -pass "pass:$3" -pbkdf2 </dev/zero 2>/dev/null | head -c "$2" >"$1"; }

# ticks_now PID: time on a processor, in nanoseconds, of all its threads.
ns_now() { cat "/proc/$1/task/"*/schedstat | awk '{ sum += $1 } END { printf "%.0f\n", sum }'; }

# send NAME PID PORT CLIENTS REQUESTS: MB a CPU second and MB/s.
send() {
  local before after answer
  before=$(ns_now "$2")
  answer=$("$BENCH_BIN_DIR/image_clients" "$3" /images/static "$4" "$5") || return 1
  after=$(ns_now "$2")
  # shellcheck disable=SC2086  # Words.
  set -- $1 $4 "$before" "$after" $answer
  sample "$1_cpu_$2" "$(awk -v b="$6" -v ns="$(($4 - $3))" 'BEGIN { printf "%.0f", b / 1e6 / (ns / 1e9) }')"
  sample "$1_rate_$2" "$(awk -v b="$6" -v s="$5" 'BEGIN { printf "%.0f", b / 1e6 / s }')"
}

# ratio NAME OURS PEER: of the medians.
ratio() { sample "$1" "$(awk -v a="$(median "$2")" -v b="$(median "$3")" 'BEGIN { printf "%.3f", a / b }')"; }

measure_static() {
  local run clients
  random_file "$BENCH_DIR/static" $((CACHE_STATIC_MIB << 20)) static
  origin 0 "static=$BENCH_DIR/static" && cache && pulled static 1 || return 1
  mkdir -p "$BENCH_DIR/www/images" && ln -sf "$BENCH_DIR/static" "$BENCH_DIR/www/images/static"
  nginx_with "server { listen 127.0.0.1:$NGINX_PORT; root $BENCH_DIR/www; }" || return 1
  for ((run = 0; run < BENCH_RUNS; run++)); do
    for clients in 1 16 64; do
      send ours "$CACHE" "$CACHE_PORT" "$clients" $(((64 + clients - 1) / clients)) || return 1
      send nginx "$NGINX" "$NGINX_PORT" "$clients" $(((64 + clients - 1) / clients)) || return 1
    done
  done
  table_head 'sending what is here'
  for clients in 1 16 64; do
    row "ours, $clients clients" "ours_cpu_$clients" MB/CPU-s
    row "nginx, $clients clients" "nginx_cpu_$clients" MB/CPU-s
    row "ours, $clients clients" "ours_rate_$clients" MB/s
    row "nginx, $clients clients" "nginx_rate_$clients" MB/s
    ratio "static_cpu_$clients" "ours_cpu_$clients" "nginx_cpu_$clients"
    ratio "static_rate_$clients" "ours_rate_$clients" "nginx_rate_$clients"
    figure "static_cpu_$clients" of_nginx '>=' 1
    figure "static_rate_$clients" of_nginx '>=' 1
  done
}

# storm NAME PORT: 32 clients at once.
storm() {
  local answer wan
  curl -s "http://127.0.0.1:$ORIGIN_PORT/reset" >/dev/null
  answer=$("$BENCH_BIN_DIR/image_clients" "$2" /images/storm 32 1) || return 1
  wan=$(curl -s "http://127.0.0.1:$ORIGIN_PORT/count" | cut -d ' ' -f 1)
  # shellcheck disable=SC2086  # Words.
  set -- $1 "$wan" $answer
  sample "$1_storm_last" "$(awk -v s="$6" -v bare="$BARE" 'BEGIN { printf "%.3f", s / bare }')"
  sample "$1_storm_wan" "$(awk -v w="$2" -v size=$((CACHE_STORM_MIB << 20)) 'BEGIN { printf "%.4f", w / size }')"
  sample "$1_storm_first" "$5"
}

measure_storm() {
  local run
  random_file "$BENCH_DIR/storm" $((CACHE_STORM_MIB << 20)) storm
  origin "$CACHE_WAN" "storm=$BENCH_DIR/storm" || return 1
  for ((run = 0; run < BENCH_RUNS; run++)); do
    BARE=$(curl -s -o /dev/null -w '%{time_total}' "http://127.0.0.1:$ORIGIN_PORT/images/storm/pull")
    cache && storm ours "$CACHE_PORT" || return 1
    stop "$CACHE"
    rm -rf "$BENCH_DIR/proxied"
    nginx_with "proxy_cache_path $BENCH_DIR/proxied keys_zone=images:1m max_size=10g;
      server { listen 127.0.0.1:$NGINX_PORT; location /images/storm {
        proxy_pass http://127.0.0.1:$ORIGIN_PORT/images/storm/pull; proxy_cache images; proxy_cache_valid 200 1h;
        proxy_cache_lock on; proxy_cache_lock_timeout 1h; proxy_cache_lock_age 1h; } }" || return 1
    storm nginx "$NGINX_PORT" || return 1
    stop "$NGINX_MASTER"
  done
  table_head "32 clients, nothing here, WAN of $CACHE_WAN MB/s"
  row 'ours: last client done' ours_storm_last 'of bare WAN'
  row 'nginx proxy_cache, lock tuned' nginx_storm_last 'of bare WAN'
  row 'ours: bytes over the WAN' ours_storm_wan 'of the image'
  row 'nginx proxy_cache, lock tuned' nginx_storm_wan 'of the image'
  row 'ours: first byte, p99' ours_storm_first ms
  row 'nginx proxy_cache, lock tuned' nginx_storm_first ms
  figure ours_storm_last of_bare_wan '<=' 1.05
  figure ours_storm_wan of_image '<=' 1.01
  figure ours_storm_first ms '<' 1000
}

# sha_speed: MB/s of one core.
sha_speed() {
  openssl speed -evp sha256 -bytes 65536 -seconds 3 2>/dev/null | awk '$1 == "sha256" { sub("k", "", $2); printf "%.0f\n", $2 / 1000 }'
}

# touch_memory: a virtual machine gives pages that are free for seconds back to its host, and the first who writes
# to them again would pay for that.
touch_memory() {
  dd if=/dev/zero of="$BENCH_DIR/tentacle/touched" bs=1M count="$CACHE_PULL_MIB" status=none
  rm -f "$BENCH_DIR/tentacle/touched"
}

# curl_speed COMMAND...: MB/s of the image from curl through that command, and into a file.
curl_speed() {
  local began ended file=$BENCH_DIR/tentacle/by-curl
  touch_memory
  began=$(date +%s%N)
  if [ $# = 0 ]; then
    curl -s -o "$file" "http://127.0.0.1:$ORIGIN_PORT/images/fast/pull"
  else
    curl -s "http://127.0.0.1:$ORIGIN_PORT/images/fast/pull" | tee "$file" | "$@" >/dev/null
  fi
  ended=$(date +%s%N)
  rm -f "$file"
  awk -v b=$((CACHE_PULL_MIB << 20)) -v ns=$((ended - began)) 'BEGIN { printf "%.0f", b / 1e6 / (ns / 1e9) }'
}

measure_verify() {
  local run
  random_file "$BENCH_DIR/fast" $((CACHE_PULL_MIB << 20)) fast
  # In memory: the figure is the hash's, and a disk of the cloud writes a tenth of that.
  mkdir -p "$BENCH_DIR/tentacle" &&
    mount -t tmpfs -o "size=$((CACHE_PULL_MIB * 3))m" tentacle-bench "$BENCH_DIR/tentacle" || return 1
  origin 0 "fast=$BENCH_DIR/fast" || return 1
  for ((run = 0; run < BENCH_RUNS; run++)); do
    sample sha_rate "$(sha_speed)"
    sample copy_rate "$(curl_speed)"
    sample curl_rate "$(curl_speed openssl dgst -sha256)"
    : >"$BENCH_DIR/cache.log"
    touch_memory
    cache && pulled fast 1 || return 1
    sample pull_rate "$(jq -rs --argjson bytes $((CACHE_PULL_MIB << 20)) '
      def at(event): map(select(.event == event)) | last.ts | (.[0:19] + "Z" | fromdate) + (.[20:23] | tonumber) / 1000;
      $bytes / 1e6 / (at("cache.image_cached") - at("cache.pull_started")) | round' "$BENCH_DIR/cache.log")"
    stop "$CACHE"
  done
  umount "$BENCH_DIR/tentacle"
  table_head 'pull as fast as it goes, verified by chunk and as a whole'
  row 'pulled and verified twice, on a disk of memory' pull_rate MB/s
  row 'curl into a file, nothing verified' copy_rate MB/s
  row 'curl into a file and once through openssl dgst' curl_rate MB/s
  row 'openssl speed SHA-256, one core' sha_rate MB/s
  ratio verify pull_rate sha_rate
  ratio verify_curl pull_rate curl_rate
  figure verify of_sha256 '>=' 0.8
  figure verify_curl of_curl_and_openssl '>=' 1
}

# programs PATTERN FOLDER: those of a common size; a compiler would be most of the image.
programs() { find -L /usr/bin -maxdepth 1 -name "$1" -type f -size -2M -exec cp -L -t "$2" {} +; }

# delta_pair FOLDER: two versions of a tree of files, as disk image and as WIM.
delta_pair() {
  local version file mib
  mkdir -p "$1/1"
  cp -rL /usr/lib/python3/dist-packages /usr/share/perl/5.* "$1/1/" 2>/dev/null
  programs '[a-c]*' "$1/1/"
  find "$1/1" -xtype l -delete
  cp -a "$1/1" "$1/2"
  # What an update does: some files go, some come, some change a little.
  find "$1/2" -maxdepth 1 -type f | sort | awk 'NR % 12 == 0' | xargs rm -f
  programs '[d-e]*' "$1/2/"
  find "$1/2" -name '*.py' | sort | awk 'NR % 20 == 0' | while read -r file; do echo '# changed' >>"$file"; done
  mib=$(($(du -sm "$1/1" | cut -f 1) * 3 / 2 + 128))
  for version in 1 2; do
    truncate -s "${mib}M" "$1/$version.img"
    mkfs.ext4 -q -U 11111111-2222-3333-4444-555555555555 -d "$1/$version" "$1/$version.img" &&
      wimlib-imagex capture "$1/$version" "$1/$version.wim" --compress=LZX --threads=2 >/dev/null 2>&1 || return 1
  done
}

# casync_fetches OLD NEW: bytes of the index and of the chunks that a store of the old one lacks.
casync_fetches() {
  local store=$BENCH_DIR/casync
  rm -rf "$store" && mkdir "$store"
  casync make --store="$store/old" "$store/old.caibx" "$1" >/dev/null &&
    casync make --store="$store/new" "$store/new.caibx" "$2" >/dev/null || return 1
  {
    (cd "$store/old" && find . -name '*.cacnk' -printf '%P\n')
    echo --
    (cd "$store/new" && find . -name '*.cacnk' -printf '%P %s\n')
  } | awk -v index_bytes="$(stat -c %s "$store/new.caibx")" '
    $1 == "--" { second = 1; next } !second { old[$1] = 1; next }
    !($1 in old) { sum += $2 } END { printf "%.0f\n", sum + index_bytes }'
}

measure_delta() {
  local kind run pair=$BENCH_DIR/delta ours
  mkdir -p "$pair" && delta_pair "$pair" || return 1
  for kind in img wim; do
    origin 0 "one=$pair/1.$kind" "two=$pair/2.$kind" && cache && pulled one 1 || return 1
    curl -s "http://127.0.0.1:$ORIGIN_PORT/reset" >/dev/null
    pulled two 2 || return 1
    DELTA_BYTES=$(curl -s "http://127.0.0.1:$ORIGIN_PORT/count" | cut -d ' ' -f 1)
    stop "$CACHE" && stop "$ORIGIN"
    sample "ours_delta_$kind" "$(awk -v b="$DELTA_BYTES" 'BEGIN { printf "%.2f", b / 1e6 }')"
    sample "casync_delta_$kind" "$(casync_fetches "$pair/1.$kind" "$pair/2.$kind" | awk '{ printf "%.2f", $1 / 1e6 }')"
    sample "whole_delta_$kind" "$(stat -c %s "$pair/2.$kind" | awk '{ printf "%.2f", $1 / 1e6 }')"
  done
  table_head 'second version, the first one is here'
  for kind in img wim; do
    row "ours, $kind" "ours_delta_$kind" MB
    row "casync, $kind" "casync_delta_$kind" MB
    row "the whole, $kind" "whole_delta_$kind" MB
    ratio "delta_$kind" "ours_delta_$kind" "casync_delta_$kind"
    figure "delta_$kind" of_casync '<=' 1
  done
}

# peak ID COUNT: MiB of our cache at its highest, after that image was pulled by a cache of its own.
peak() {
  local result=$3
  cache && pulled "$1" "$2" && served_to_the_end "$1" || return 1
  sample "$result" "$(awk '$1 == "VmHWM:" { printf "%.1f", $2 / 1024 }' "/proc/$CACHE/status")"
  stop "$CACHE"
}

measure_memory() {
  local run idle busy
  random_file "$BENCH_DIR/small" $((64 << 20)) small
  random_file "$BENCH_DIR/sparse" $((64 << 20)) sparse
  truncate -s "$(((CACHE_SPARSE_GIB << 30) - 12))" "$BENCH_DIR/sparse"
  printf 'the very end' >>"$BENCH_DIR/sparse"
  random_file "$BENCH_DIR/random" $((CACHE_RANDOM_GIB << 30)) random
  origin 0 "small=$BENCH_DIR/small" "sparse=$BENCH_DIR/sparse" "random=$BENCH_DIR/random" || return 1
  for ((run = 0; run < BENCH_RUNS; run++)); do
    # Once: the peak does not vary, and eight gigabytes take their time.
    [ "$run" != 0 ] || { peak small 1 peak_small && peak sparse 1 peak_sparse && peak random 1 peak_random; } || return 1
    cache && pulled small 1 || return 1
    idle=$(memory_mib "$CACHE" Rss)
    "$BENCH_BIN_DIR/image_clients" "$CACHE_PORT" /images/small 128 4 >/dev/null &
    pause 0.3
    busy=$(memory_mib "$CACHE" Rss)
    wait $!
    sample per_client "$(awk -v a="$idle" -v b="$busy" 'BEGIN { printf "%.1f", (b - a) * 1024 / 128 }')"
    stop "$CACHE"
  done
  sample sparse_growth "$(awk -v a="$(median peak_small)" -v b="$(median peak_sparse)" 'BEGIN { printf "%.2f", b - a }')"
  sample memory_per_gib "$(awk -v a="$(median peak_small)" -v b="$(median peak_random)" -v g="$CACHE_RANDOM_GIB" \
    'BEGIN { printf "%.2f", (b - a) / g }')"
  table_head 'resident memory'
  row 'highest, image of 64 MiB' peak_small MiB
  row "highest, image of $CACHE_SPARSE_GIB GiB, sparse" peak_sparse MiB
  row "highest, image of $CACHE_RANDOM_GIB GiB, random" peak_random MiB
  row 'for each of 128 clients' per_client KiB
  figure sparse_growth MiB '<=' 16
  figure memory_per_gib MiB '<=' 8
  figure per_client KiB '<=' 64
}

measure_site() { measure_cache_site && report_cache_site; }
