#!/bin/bash
# Three tentacles of one site behind one thin line: an image comes over it once, whoever asks, and no faster than it may.
#
#   tests/netns/cache_site_test.sh [TENTACLE BACKEND]
#
# Needs root and PostgreSQL; exit code 77 without. CACHE_SITE_FIGURES=yes prints what was measured as
# "sample NAME VALUE", for bench/cache.sh. CACHE_SITE_LIMIT_S: for how many seconds the limit is watched (10).
set -uo pipefail

REPO=$(cd "$(dirname "$0")/../.." && pwd)
TENTACLE=${1:-$REPO/build/dev/cli/octofleet-tentacle}
BACKEND=${2:-$REPO/build/dev/backend/octofleet-backend}
FIGURES=${CACHE_SITE_FIGURES:-no}
# shellcheck source=scripts/lib/postgres.sh
. "$REPO/scripts/lib/postgres.sh"
# shellcheck source=scripts/lib/say.sh
. "$REPO/scripts/lib/say.sh"

HQ=ttcp-hq-$$
ROUTER=ttcp-rt-$$
TENTACLES=3
IMAGE_MIB=${CACHE_SITE_MIB:-24}
LINE_MBIT=${CACHE_SITE_LINE:-60}
LIMIT_S=${CACHE_SITE_LIMIT_S:-10}
URL=http://10.88.2.1:8080
TEMP=$(mktemp -d /tmp/tentacle-test.XXXXXX)
POSTGRES_DIR=$TEMP/postgres  # For postgres_stop.
PIDS=()

at() { echo "ttcp-t$1-$$"; }
in_hq() { ip netns exec "$HQ" "$@"; }
api() { in_hq curl -sS --max-time 10 -H "X-API-Key: $KEY" -H 'Content-Type: application/json' "$@"; }

# shellcheck disable=SC2317  # Called by the trap.
down() {
  local code=$? pid n
  # The programs are children of what runs in the background here.
  for n in "$HQ" $(seq -f "ttcp-t%g-$$" 1 "$TENTACLES"); do
    for pid in $(ip netns pids "$n" 2>/dev/null); do
      [[ $(readlink "/proc/$pid/exe") == */postgres ]] || kill "$pid" 2>/dev/null
    done
  done
  for pid in "${PIDS[@]}"; do wait "$pid" 2>/dev/null; done
  postgres_stop
  for n in "$HQ" "$ROUTER" $(seq -f "ttcp-t%g-$$" 1 "$TENTACLES"); do ip netns del "$n" 2>/dev/null; done
  if [ "$code" != 0 ] && [ "$code" != 77 ]; then
    for n in "$TEMP"/*.log; do
      echo "--- $n"
      tail -n 12 "$n" | cut -c1-300
    done
  fi
  rm -rf "$TEMP"
  exit "$code"
}
trap down EXIT
trap 'exit 143' TERM INT

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

figure() {
  echo "  $1: $2 $3"
  [ "$FIGURES" != yes ] || echo "sample $1 $2"
}

if [ "$(id -u)" != 0 ] || [ ! -x "$POSTGRES_BIN/initdb" ]; then
  echo 'skipped: root and PostgreSQL are needed'
  exit 77
fi

# --- networks: headquarters --line-- router --LAN-- tentacles
ip netns add "$HQ" && ip netns add "$ROUTER" || exit 1
ip -n "$HQ" link set lo up
ip -n "$HQ" link add wan type veth peer name wan netns "$ROUTER"
ip -n "$HQ" addr add 10.88.2.1/24 dev wan
# Each frame is counted with its own headers.
ip -n "$HQ" link set wan gso_max_segs 1
ip -n "$HQ" link set wan up
ip -n "$HQ" route add 10.88.1.0/24 via 10.88.2.2
ip -n "$ROUTER" addr add 10.88.2.2/24 dev wan
ip -n "$ROUTER" link set wan up
ip -n "$ROUTER" link add lan type bridge
ip -n "$ROUTER" addr add 10.88.1.1/24 dev lan
ip -n "$ROUTER" link set lan up
ip netns exec "$ROUTER" sysctl -qw net.ipv4.ip_forward=1
ip netns exec "$HQ" tc qdisc add dev wan root tbf rate "${LINE_MBIT}mbit" burst 64kb latency 50ms || exit 1
for n in $(seq 1 "$TENTACLES"); do
  ip netns add "$(at "$n")"
  ip -n "$(at "$n")" link set lo up
  ip -n "$(at "$n")" link add lan type veth peer name "t$n" netns "$ROUTER"
  ip -n "$(at "$n")" addr add "10.88.1.1$n/24" dev lan
  ip -n "$(at "$n")" link set lan up
  ip -n "$(at "$n")" route add default via 10.88.1.1
  ip -n "$ROUTER" link set "t$n" master lan up
done

# --- headquarters
KEY=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
echo "$KEY" >"$TEMP/key"
mkdir "$TEMP/images" "$TEMP/web"
# The database lives on the loopback of headquarters.
# shellcheck disable=SC2016  # Expanded there.
OCTOFLEET_DATABASE=$(in_hq bash -c '. "$1/scripts/lib/postgres.sh"; postgres_start "$2" && echo "$POSTGRES_URL"' - \
  "$REPO" "$TEMP/postgres") || fail 'PostgreSQL did not start'
export OCTOFLEET_DATABASE
in_hq "$BACKEND" --listen 10.88.2.1:8080 --image-dir "$TEMP/images" --web-dir "$TEMP/web" \
  --api-key-file "$TEMP/key" >"$TEMP/backend.log" 2>&1 &
PIDS+=($!)
wait_for 30 api -f "$URL/readyz" || fail 'the backend did not start'

make_image() {
  local id
  head -c "$((IMAGE_MIB * 1024 * 1024))" /dev/urandom >"$TEMP/images/$1"
  id=$(api "$URL/api/v1/provisioning/images" -d "{\"name\":\"$1\",\"path\":\"$1\"}" | jq -r .id)
  # shellcheck disable=SC2317
  image_ready() { [ "$(api "$URL/api/v1/provisioning/images/$id" | jq -r .state)" = ready ]; }
  wait_for 60 image_ready || fail "image $1 is not ready"
  echo "$id"
}

# --- tentacles
on() {
  local n=$1
  shift
  TENTACLE_STATE_DIR=$TEMP/t$n TENTACLE_RUN_DIR=$TEMP/r$n ip netns exec "$(at "$n")" "$@"
}
IDS=()
for n in $(seq 1 "$TENTACLES"); do
  mkdir -p "$TEMP/t$n" "$TEMP/r$n"
  token=$(api "$URL/api/v1/enrollment-tokens" -d '{}' | jq -r .token)
  on "$n" "$TENTACLE" enroll --backend "$URL" --token "$token" --name "Berlin $n" >"$TEMP/enroll$n.log" 2>&1 ||
    fail "tentacle $n was not enrolled"
  for service in cache uplink; do
    on "$n" "$TENTACLE" "$service" >"$TEMP/$service$n.log" 2>&1 &
    PIDS+=($!)
  done
  IDS+=("$(api "$URL/api/v1/tentacles" | jq -r ".tentacles[] | select(.name == \"Berlin $n\") | .id")")
done
for id in "${IDS[@]}"; do
  api -X PUT "$URL/api/v1/tentacles/$id" -d '{"site":"berlin"}' >/dev/null || fail 'no site'
done
# shellcheck disable=SC2317
peers_found() { [ "$(on "$1" "$TENTACLE" cache line | grep -c ' usable')" = $((TENTACLES - 1)) ]; }
for n in $(seq 1 "$TENTACLES"); do
  wait_for 60 peers_found "$n" || fail "tentacle $n has not found its neighbours: $(on "$n" "$TENTACLE" cache line)"
done
echo "ok: $TENTACLES tentacles of one site have found each other"

wan_bytes() { in_hq cat /sys/class/net/wan/statistics/tx_bytes; }

# --- one copy over the line
image=$(make_image first) || exit 1
before=$(wan_bytes)
began=$(date +%s%N)
order=$(api "$URL/api/v1/provisioning/prepulls" -d "{\"imageId\":\"$image\",\"site\":\"berlin\",\"deadline\":\"Tue 07:00\"}")
prepull=$(jq -r .id <<<"$order")
[ "$prepull" != null ] || fail "the prepull was refused: $order"
# shellcheck disable=SC2317
prepull_done() {
  [ "$(api "$URL/api/v1/provisioning/prepulls/$prepull" | jq '[.targets[] | select(.state == "done")] | length')" = "$TENTACLES" ]
}
wait_for 120 prepull_done || fail "the prepull is not over: $(api "$URL/api/v1/provisioning/prepulls/$prepull")"
took=$((($(date +%s%N) - began) / 1000000))
wan=$(($(wan_bytes) - before))
size=$((IMAGE_MIB * 1024 * 1024))
share=$(jq -n "$wan / $size * 1000 | round / 1000")
figure site_wan_share "$share" "x the image, for $TENTACLES tentacles"
figure site_ms "$took" 'ms until all had it'
# With Ethernet, IP, TCP, the chunk lists and what is asked twice before the others are seen; three copies would be 3.
jq -en "$share < 1.5" >/dev/null || fail "$wan bytes came over the line for an image of $size"
for n in $(seq 1 "$TENTACLES"); do
  sum=$(on "$n" curl -sS --max-time 60 "http://127.0.0.1:9081/images/$image" | sha256sum | cut -d' ' -f1)
  [ "$sum" = "$(sha256sum <"$TEMP/images/first" | cut -d' ' -f1)" ] || fail "tentacle $n gives other bytes"
done
echo 'ok: one copy came over the line, and all of them give its bytes'
# shellcheck disable=SC2317
ledgers_told() {
  [ "$(for id in "${IDS[@]}"; do api "$URL/api/v1/tentacles/$id/ledger"; done | jq -s 'map(.peerBytes // 0) | add')" -ge $((size * 3 / 2)) ]
}
wait_for 60 ledgers_told || fail "the ledgers do not tell of it: $(for id in "${IDS[@]}"; do api "$URL/api/v1/tentacles/$id/ledger"; done)"
echo 'ok: the ledgers tell of it'

# --- parts of it, as RFC 9110 has them
on 1 /usr/bin/python3 -B "$REPO/tests/netns/range_client.py" 127.0.0.1 9081 "/images/$image" "$TEMP/images/first" ||
  fail 'a part of the image is answered otherwise'
echo 'ok: two hundred ranges are answered as the RFC says'

# --- by hand, and a bit that rots
verb() { on 1 "$TENTACLE" cache "$@"; }
verb ls | grep -q "^$image .* cached " || fail "the list does not have the image: $(verb ls)"
verb pin "$image" >/dev/null || fail 'the image was not pinned'
verb ls | grep -q "^$image .*pinned" || fail "the list does not say that it is pinned: $(verb ls)"
verb rm "$image" >/dev/null 2>&1 && fail 'a pinned image was removed'
verb unpin "$image" >/dev/null || fail 'the image was not unpinned'
verb verify "$image" >/dev/null || fail 'a right image was found wrong'
stored=$TEMP/t1/cache/images/$(printf %s "$image" | sha256sum | cut -d' ' -f1)
at=$((size / 2))
was=$(od -An -tu1 -j "$at" -N 1 "$stored") || fail "the image is not in $stored"
# shellcheck disable=SC2059  # The format is the byte.
printf "\\x$(printf %02x $((was ^ 1)))" | dd of="$stored" bs=1 seek="$at" conv=notrunc status=none
verb verify "$image" >/dev/null || fail 'the wrong piece was not mended'
sum=$(on 1 curl -sS --max-time 60 "http://127.0.0.1:9081/images/$image" | sha256sum | cut -d' ' -f1)
[ "$sum" = "$(sha256sum <"$TEMP/images/first" | cut -d' ' -f1)" ] || fail 'the mended image has other bytes'
# shellcheck disable=SC2317
wrong_piece_seen() {
  [ "$(api "$URL/api/v1/tentacles/${IDS[0]}/images" | jq ".images[] | select(.imageId == \"$image\") | .wrongChunks")" = 1 ]
}
wait_for 30 wrong_piece_seen || fail "the backend has not heard of it: $(api "$URL/api/v1/tentacles/${IDS[0]}/images")"
verb rm "$image" | grep -q freed || fail 'the image was not removed'
[ ! -e "$stored" ] || fail 'a removed image is on the disk'
echo 'ok: listed, pinned, verified, mended, removed by hand; the backend heard of the wrong piece'

# --- no faster than it may, also when that changes in the middle of a pull
# limit_to MBIT: by the backend; waits until the cache knows it.
limit_to() {
  limit=$1
  api -X PUT "$URL/api/v1/tentacles/${IDS[0]}" \
    -d "{\"config\":{\"cache\":{\"wan_limit_mbit\":$limit,\"peers_enabled\":false}}}" >/dev/null
  wait_for 30 limited || fail "the limit of $limit Mbit/s is not in force"
}
# shellcheck disable=SC2317
limited() { on 1 "$TENTACLE" cache line | grep -q "limited to *$limit"; }
# came BYTES: so many more than at the last look.
# shellcheck disable=SC2317
came() { [ "$(wan_bytes)" -gt $((before + $1)) ]; }
# rate_over SECONDS: sets GOT to the Mbit/s of the image that came while as much came as the limit lets through in that
# time. A busy machine makes it later, nothing makes it earlier.
rate_over() {
  local began wan span
  began=$(date +%s%N)
  before=$(wan_bytes)
  wait_for $(($1 * 12)) came $((limit * $1 * 1000000 / 8)) || fail 'too little comes'
  wan=$(($(wan_bytes) - before))
  span=$((($(date +%s%N) - began) / 1000))
  # Of 1514 bytes on this wire 1448 are the image's.
  GOT=$(jq -n "$wan * 1448 / 1514 * 8 / $span")
  jq -en "$GOT < $limit * 1.1" >/dev/null || fail "$GOT Mbit/s came at a limit of $limit"
}
limit_to 10
second=$(make_image second) || exit 1
on 1 "$TENTACLE" cache pull "$second" --no-wait || fail 'the pull was refused'
before=$(wan_bytes)
wait_for 30 came 1000000 || fail 'nothing comes'
rate_over "$LIMIT_S"
error=$(jq -n "($GOT / $limit - 1) * 100 | fabs * 100 | round / 100")
figure limiter_error_percent "$error" "% of $limit Mbit/s over $LIMIT_S s on the wire"
limit_to 2
before=$(wan_bytes)
wait_for 30 came 250000 || fail 'nothing comes any more' # A second of it.
rate_over 4
echo 'ok: the limit holds on the wire'
