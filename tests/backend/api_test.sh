#!/bin/bash
# The backend's REST on a real PostgreSQL: a private cluster, the real program, curl.
#
#   tests/backend/api_test.sh
#
# Prints "ok - ..." or "not ok - ..." for each check. The programs are those of BUILD_PRESET (dev unless set).
set -uo pipefail

REPO=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=scripts/lib/say.sh
. "$REPO/scripts/lib/say.sh"
# shellcheck source=scripts/lib/postgres.sh
. "$REPO/scripts/lib/postgres.sh"

BACKEND=$REPO/build/${BUILD_PRESET:-dev}/backend/octofleet-backend
TEMP=$(mktemp -d /tmp/tentacle-test.XXXXXX)
KEY=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
BASE=
PID=
FAILED=0

main() {
  trap clean_up EXIT
  postgres_start "$TEMP/postgres" || exit 1
  mkdir -p "$TEMP/images" "$TEMP/web"
  echo "$KEY" >"$TEMP/key"
  start_backend
  enrollment
  images
  tasks
  jobs_and_commands
  bad_input
  restart_of_postgresql
  [ "$FAILED" = 0 ]
  exit $?
}

clean_up() {
  if [ -n "$PID" ]; then kill "$PID" 2>/dev/null && wait "$PID"; fi
  postgres_stop
  rm -rf "$TEMP"
}

start_backend() {
  local port
  port=$((21000 + RANDOM % 9000))
  BASE=http://127.0.0.1:$port
  "$BACKEND" --listen "127.0.0.1:$port" --database "$POSTGRES_URL" --image-dir "$TEMP/images" \
    --web-dir "$TEMP/web" --api-key-file "$TEMP/key" >"$TEMP/backend.log" 2>&1 &
  PID=$!
  wait_for 30 curl -sf "$BASE/readyz" || {
    cat "$TEMP/backend.log"
    exit 1
  }
}

# request METHOD PATH [CURL WORDS...]: the body goes to $TEMP/body, the status is printed.
request() {
  local method=$1 path=$2
  shift 2
  curl -s -o "$TEMP/body" -D "$TEMP/head" -w '%{http_code}' -X "$method" "$@" "$BASE$path"
}

# api METHOD PATH [JSON]: with the key.
api() {
  request "$1" "$2" -H "X-API-Key: $KEY" ${3+-d "$3"}
}

field() { jq -r "$1" "$TEMP/body"; }

dump() { pg_dump --data-only --inserts "$POSTGRES_URL"; }
sql() { psql -qtA "$POSTGRES_URL" -c "$1"; }

# is TEXT WANT GOT
is() {
  if [ "$2" = "$3" ]; then
    echo "ok - $1"
  else
    echo "not ok - $1: want $2, got $3 $(head -c 300 "$TEMP/body")"
    FAILED=1
  fi
}

public_key() { head -c 32 /dev/urandom | base64 -w0; }

new_token() {
  api POST /api/v1/enrollment-tokens "$1" >/dev/null
  field .token
}

# enroll TOKEN KEY
enroll() {
  request POST /api/v1/tentacles/enroll \
    -d "{\"token\":\"$1\",\"name\":\"Berlin\",\"hostname\":\"b\",\"publicKey\":\"$2\",\"network\":{\"interfaces\":[]}}"
}

enrollment() {
  local token key
  openssl genpkey -algorithm ed25519 -out "$TEMP/node.key" 2>/dev/null
  key=$(openssl pkey -in "$TEMP/node.key" -pubout -outform DER | tail -c 32 | base64 -w0)
  token=$(new_token '{"maxUses":1}')
  is 'a token is stored as its SHA-256 alone' 0 "$(sql "SELECT count(*) FROM enrollment_tokens WHERE token_sha256 = '$token'")"
  is 'a good token enrolls' 201 "$(enroll "$token" "$key")"
  is 'the answer names the node' 1 "$(field .nodeId)"
  is 'the same key is the same node, also when the token is used up' 201 "$(enroll "$token" "$key")"
  is 'and has the same id' 1 "$(field .nodeId)"
  is 'which is one use of the token' 1 "$(sql 'SELECT uses FROM enrollment_tokens')"
  is 'a used-up token is refused' 401 "$(enroll "$token" "$(public_key)")"
  is 'an unknown token is refused' 401 "$(enroll wrong "$(public_key)")"
  token=$(new_token '{}')
  sql "UPDATE enrollment_tokens SET expires_at = now() - interval '1 second' WHERE token_prefix = '${token:0:8}'"
  is 'an expired token is refused' 401 "$(enroll "$token" "$(public_key)")"
  token=$(new_token '{}')
  api DELETE "/api/v1/enrollment-tokens/$(sql "SELECT id FROM enrollment_tokens WHERE token_prefix = '${token:0:8}'")" >/dev/null
  is 'a revoked token is refused' 401 "$(enroll "$token" "$(public_key)")"
  token=$(new_token '{"name":"Rome"}')
  is 'a token for one name is refused to another' 401 "$(enroll "$token" "$(public_key)")"
  token=$(new_token '{"name":"Berlin"}')
  is 'and enrolls that one' 201 "$(enroll "$token" "$(public_key)")"
  is 'a key that is none is refused' 422 "$(enroll "$token" abc)"
  parallel_enrollment
}

parallel_enrollment() {
  local token i
  token=$(new_token '{"maxUses":1}')
  for i in $(seq 20); do
    curl -s -o /dev/null -w '%{http_code}\n' -X POST "$BASE/api/v1/tentacles/enroll" \
      -d "{\"token\":\"$token\",\"name\":\"n$i\",\"hostname\":\"b\",\"publicKey\":\"$(public_key)\"}" >"$TEMP/parallel.$i" &
    PARALLEL[i]=$!
  done
  wait "${PARALLEL[@]}"
  is 'twenty at once with a token for one make one node' 1 "$(cat "$TEMP"/parallel.* | grep -c 201)"
}

images() {
  head -c 300000 /dev/urandom >"$TEMP/images/disk.img"
  is 'an image is registered' 201 "$(api POST /api/v1/provisioning/images '{"name":"disk","path":"disk.img"}')"
  wait_for 20 image_ready
  api GET /api/v1/provisioning/images/1 >/dev/null
  is 'its SHA-256 is computed' "$(sha256sum <"$TEMP/images/disk.img" | cut -d' ' -f1)" "$(field .sha256)"
  is 'its size too' 300000 "$(field .sizeBytes)"
  is 'a path out of the folder is refused' 422 "$(api POST /api/v1/provisioning/images '{"name":"x","path":"../key"}')"
  ln -s /etc/passwd "$TEMP/images/link"
  is 'a link out of the folder is refused' 422 "$(api POST /api/v1/provisioning/images '{"name":"y","path":"link"}')"
  is 'a name is given once' 409 "$(api POST /api/v1/provisioning/images '{"name":"disk","path":"disk.img"}')"
  is 'a pull without a token is refused' 401 "$(request GET /api/v1/tentacles/images/1/pull)"
  is 'the API key is no pass for it' 401 "$(api GET /api/v1/tentacles/images/1/pull)"
  pieces
}

base64url() { base64 -w0 | tr '+/' '-_' | tr -d '='; }

# jwt KEY_FILE NODE: what a tentacle shows.
jwt() {
  local now
  now=$(date +%s)
  {
    printf '{"alg":"EdDSA","typ":"JWT"}' | base64url
    printf .
    printf '{"iss":"%s","aud":"octofleet","iat":%d,"exp":%d,"jti":"%s"}' \
      "$2" "$now" $((now + 300)) "$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')" | base64url
  } >"$TEMP/unsigned"
  printf '%s.%s' "$(cat "$TEMP/unsigned")" "$(openssl pkeyutl -sign -rawin -inkey "$1" -in "$TEMP/unsigned" | base64url)"
}

# Chunk lists and stretches of an image, as a tentacle asks for them.
pieces() {
  local image=/api/v1/tentacles/images/1 auth part=$TEMP/part
  auth="Authorization: Bearer $(jwt "$TEMP/node.key" 1)"
  is 'a chunk list without a token is refused' 401 "$(request GET $image/chunks)"
  is 'a stretch without a token is refused' 401 "$(request GET "$image/bytes?first=0&last=9")"
  is 'a tentacle gets the chunk list' 200 "$(request GET $image/chunks -H "$auth")"
  is 'its chunks are the image, one behind the other' whole "$(chunks_of "$TEMP/images/disk.img")"
  is 'an image that is not there has none' 404 "$(request GET /api/v1/tentacles/images/99/chunks -H "$auth")"
  tail -c +1001 "$TEMP/images/disk.img" | head -c 200000 >"$part"
  is 'a stretch is given' 200 "$(request GET "$image/bytes?first=1000&last=200999" -H "$auth")"
  is 'as it is' same "$(cmp -s "$part" "$TEMP/body" && echo same)"
  is 'under the hash of the image' "\"$(sha256sum <"$TEMP/images/disk.img" | cut -d' ' -f1)\"" \
    "$(sed -n 's/^ETag: \(.*\)\r$/\1/Ip' "$TEMP/head")"
  is 'and packed for who can unpack it' 200 \
    "$(request GET "$image/bytes?first=1000&last=200999" -H "$auth" -H 'Accept-Encoding: zstd')"
  is 'which it says' zstd "$(sed -n 's/^Content-Encoding: \(.*\)\r$/\1/Ip' "$TEMP/head")"
  is 'and unpacks to the same' same "$(zstd -dcq <"$TEMP/body" | cmp -s "$part" - && echo same)"
  is 'the last byte alone is given' 200 "$(request GET "$image/bytes?first=299999&last=299999" -H "$auth")"
  is 'a stretch behind the end is refused' 422 "$(request GET "$image/bytes?first=299999&last=300000" -H "$auth")"
  is 'one that ends before it begins too' 422 "$(request GET "$image/bytes?first=9&last=8" -H "$auth")"
  is 'and one that is no number' 422 "$(request GET "$image/bytes?first=-1&last=8" -H "$auth")"
  is 'and one without an end' 422 "$(request GET "$image/bytes?first=1" -H "$auth")"
}

# chunks_of FILE: "whole" when the list in $TEMP/body (docs/protocol.md, section 7) is of this file.
chunks_of() {
  local at=64 offset=0 length digest i
  for ((i = $(od -An -tu4 -j28 -N4 "$TEMP/body"); i > 0; i--)); do
    length=$(od -An -tu4 -j$at -N4 "$TEMP/body")
    digest=$(od -An -tx1 -w32 -j$((at + 4)) -N32 "$TEMP/body" | tr -d ' ')
    if [ "$(tail -c +$((offset + 1)) "$1" | head -c $((length)) | sha256sum | cut -d' ' -f1)" != "$digest" ]; then
      echo "wrong at $offset"
      return
    fi
    offset=$((offset + length))
    at=$((at + 36))
  done
  if [ "$offset" = "$(stat -c %s "$1")" ]; then echo whole; else echo "ends at $offset"; fi
}

image_ready() {
  api GET /api/v1/provisioning/images/1 >/dev/null
  [ "$(field .state)" = ready ]
}

TASK='{"mac":"52:54:00:00:00:01","hostname":"vm-1","imageId":"1","osType":"linux-image","platform":"kvm-libvirt",
  "tentacleId":"1","network":{"dhcp":true},"adminPassword":"s3cret-marker"}'

tasks() {
  local token next
  is 'a task is ordered' 201 "$(api POST /api/v1/provisioning/tasks "$TASK")"
  token=$(field .callbackToken)
  is 'it waits' waiting "$(field .status)"
  is 'one open task a machine' 409 "$(api POST /api/v1/provisioning/tasks "$TASK")"
  api GET /api/v1/provisioning/tasks/1 >/dev/null
  is 'its password never comes out' 0 "$(grep -c s3cret-marker "$TEMP/body")"
  is 'nor into the log' 0 "$(grep -c s3cret-marker "$TEMP/backend.log")"
  is 'an image that a task needs stays' 409 "$(api DELETE /api/v1/provisioning/images/1)"
  is 'a callback with a wrong token is refused' 401 "$(callback wrong '{"event":"booted"}')"
  is 'a callback moves the task' 204 "$(callback "$token" '{"event":"applying","message":"writing"}')"
  api GET /api/v1/provisioning/tasks/1 >/dev/null
  is 'to installing, with the default percentage' 'installing 50' "$(field '"\(.status) \(.progress)"')"
  is 'an event that is none is refused' 422 "$(callback "$token" '{"event":"dancing"}')"
  is 'done completes it' 204 "$(callback "$token" '{"event":"done"}')"
  is 'an end is not left again' 409 "$(callback "$token" '{"event":"booted"}')"
  is 'the machine may have the next task' 201 "$(api POST /api/v1/provisioning/tasks "$TASK")"
  next=$(field .id)
  is 'which can be cancelled' 204 "$(api DELETE "/api/v1/provisioning/tasks/$next")"
  is 'once' 409 "$(api DELETE "/api/v1/provisioning/tasks/$next")"
  made_password
}

made_password() {
  local order password id
  is 'two passwords are refused' 400 "$(api POST /api/v1/provisioning/tasks "$(jq '.generateAdminPassword = true' <<<"$TASK")")"
  order=$(jq 'del(.adminPassword) | .generateAdminPassword = true' <<<"$TASK")
  is 'a task is ordered with a password that is made' 201 "$(api POST /api/v1/provisioning/tasks "$order")"
  password=$(field .adminPassword)
  id=$(field .id)
  is 'of 27 characters' 27 "${#password}"
  is 'which is sealed for the tentacle' t "$(sql "SELECT secrets = '{}' AND length(sealed_secrets) > 60 FROM provisioning_tasks WHERE id = $id")"
  is 'and in no table as it is' 0 "$(dump | grep -c -e "$password" -e s3cret-marker)"
  api GET "/api/v1/provisioning/tasks/$id" >/dev/null
  is 'and nobody else' 0 "$(grep -c -e "$password" "$TEMP/body")"
  is 'nor the log' 0 "$(grep -c -e "$password" "$TEMP/backend.log")"
  is 'it can be cancelled' 204 "$(api DELETE "/api/v1/provisioning/tasks/$id")"
  is 'and nothing of it is left' '' "$(sql "SELECT sealed_secrets FROM provisioning_tasks WHERE id = $id")"
}

callback() {
  request POST /api/v1/provisioning/tasks/1/events -H "Authorization: Bearer $1" -d "$2"
}

jobs_and_commands() {
  is 'a job is held for a tentacle that is away' 201 "$(api POST /api/v1/jobs \
    '{"targetType":"device","targetId":"1","commandType":"script","commandData":{"script":"true"}}')"
  is 'as an open command' 1 "$(sql "SELECT count(*) FROM outgoing_commands WHERE type = 'job.run' AND acknowledged_at IS NULL")"
  is 'a scan is accepted' 202 "$(api POST /api/v1/tentacles/1/scan '{}')"
  is 'a wake of no MAC is refused' 422 "$(api POST /api/v1/tentacles/1/wake '{"mac":"x"}')"
  is 'a good configuration is the next revision' 200 "$(api PUT /api/v1/tentacles/1 '{"config":{"cache":{"max_bytes":5000000}}}')"
  is 'number one' 1 "$(field .configRevision)"
  is 'a wrong one is refused' 422 "$(api PUT /api/v1/tentacles/1 '{"config":{"cache":{"max_byte":1}}}')"
  is 'with the nearest key' 1 "$(grep -c 'did you mean' "$TEMP/body")"
  is 'a tentacle can be removed' 204 "$(api DELETE /api/v1/tentacles/1)"
  is 'once' 404 "$(api DELETE /api/v1/tentacles/1)"
}

bad_input() {
  is 'no key, no answer' 401 "$(request GET /api/v1/nodes)"
  is 'a wrong key neither' 401 "$(request GET /api/v1/nodes -H 'X-API-Key: wrong')"
  is 'not JSON' 400 "$(api POST /api/v1/provisioning/tasks '{')"
  is 'no such route' 404 "$(api GET /api/v1/nothing)"
  is 'another method' 405 "$(api PUT /api/v1/nodes '{}')"
  is 'an id that is no number' 404 "$(api GET /api/v1/nodes/abc)"
  is 'a MAC that is none' 422 "$(api POST /api/v1/provisioning/tasks "${TASK/52:54:00:00:00:01/zz}")"
  head -c 2000000 /dev/zero | tr '\0' a >"$TEMP/large"
  is 'a body that is too large' 413 "$(request POST /api/v1/session --data-binary "@$TEMP/large")"
  is 'a sign-in with a wrong key' 401 "$(request POST /api/v1/session -d '{"apiKey":"x"}')"
  is 'a sign-in' 204 "$(request POST /api/v1/session -d "{\"apiKey\":\"$KEY\"}")"
  is 'gives a cookie that scripts cannot read' 1 "$(grep -ci 'set-cookie:.*HttpOnly; SameSite=Strict' "$TEMP/head")"
  is 'which is a pass' 200 "$(request GET /api/v1/nodes -H "Cookie: $(sed -n 's/^[Ss]et-[Cc]ookie: \([^;]*\).*/\1/p' "$TEMP/head")")"
  is 'the OpenAPI document is served' 200 "$(request GET /api/v1/openapi.json)"
  is 'and is one' 3.1.0 "$(field .openapi)"
}

restart_of_postgresql() {
  postgres_as "$POSTGRES_BIN/pg_ctl" -D "$POSTGRES_DIR/data" -m immediate -w -s stop >/dev/null 2>&1
  is 'without PostgreSQL a request is told to come back' 503 "$(api GET /api/v1/nodes)"
  is 'in a moment' 1 "$(grep -ci '^retry-after:' "$TEMP/head")"
  postgres_as "$POSTGRES_BIN/pg_ctl" -D "$POSTGRES_DIR/data" -l "$POSTGRES_DIR/postgres.log" -w -s \
    -o "-p $POSTGRES_PORT -c listen_addresses=127.0.0.1 -c unix_socket_directories=$POSTGRES_DIR -c fsync=off" \
    start >/dev/null 2>&1 </dev/null
  is 'and answers again when it is back' 0 "$(wait_for 20 nodes_answer && echo 0)"
}

nodes_answer() { [ "$(api GET /api/v1/nodes)" = 200 ]; }

PARALLEL=()
main
