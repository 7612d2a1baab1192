# shellcheck shell=bash
# What compose_test.sh looks at; to be sourced by it.
# shellcheck disable=SC2317  # Many functions are called by expect and wait_for alone.

MAC=52:54:00:00:00:01
FILE=/var/lib/octofleet-tentacle/tasks/52-54-00-00-00-01.json
TASK_ID=

# --- Files ----------------------------------------------------------------------------------------

check_files() {
  local -a unfilled=(env -u TENTACLE_NAME OCTOFLEET_BACKEND='' docker-compose -f "$TEMP/compose/compose.yaml")
  expect 'prometheus.yml is what promtool takes' promtool check config "$TEMP/compose/prometheus.yml"
  cp "$TEMP/compose/.env.example" "$TEMP/compose/.env"
  expect 'compose.yaml is valid' branch config -q
  expect 'compose.monitoring.yaml is valid with it' monitoring config -q
  expect 'compose.host.yaml is valid with it' branch -f compose.yaml -f compose.host.yaml config -q
  "$TEMP/compose/make_secrets.sh" >/dev/null
  expect 'compose.backend.yaml is valid' backend config -q
  rm "$TEMP/compose/.env"
  if "${unfilled[@]}" config -q 2>"$TEMP/unfilled.log"; then
    not_ok 'without a .env it does not start'
  else
    expect 'without a .env the missing line is named' grep -q 'set OCTOFLEET_BACKEND in .env' "$TEMP/unfilled.log"
  fi
}

monitoring() { branch -f compose.yaml -f compose.monitoring.yaml "$@"; }

# --- The way of a task ----------------------------------------------------------------------------

check_stack() {
  ok 'all health checks are healthy'
  expect 'the tentacle is enrolled and online' wait_for 30 tentacle_online
  expect 'under the name of the .env' tentacle_named
  expect 'a machine without a task is not answered' no_offer
  order_task || not_ok 'the backend takes a task'
  expect 'the task arrives: its file is there' wait_for 30 task_on_disk
  expect 'pxe serves its script' wait_for 10 task_at_pxe
  expect 'a machine on the segment gets its offer' wait_for 10 machine_offered
  expect 'the cache pulls the image' wait_for 30 image_cached
}

tentacle_online() { api GET /api/v1/tentacles | jq -e '.tentacles | length == 1 and .[0].online'; }

tentacle_named() { api GET /api/v1/tentacles | jq -e '.tentacles[0].name == "Berlin Office"'; }

order_task() {
  local image node
  image=$(api POST /api/v1/provisioning/images \
    '{"name":"disk","path":"disk.raw","osType":"linux-image","format":"raw"}' | jq -r .id) || return 1
  wait_for 30 image_ready "$image" || return 1
  node=$(api GET /api/v1/tentacles | jq -r '.tentacles[0].id')
  TASK_ID=$(api POST /api/v1/provisioning/tasks "$(jq -n --arg mac "$MAC" --arg image "$image" --arg node "$node" \
    '{mac: $mac, hostname: "vm-1", imageId: $image, osType: "linux-image", platform: "baremetal-uefi",
      tentacleId: $node, network: {dhcp: true}}')" | jq -r .id)
  [ -n "$TASK_ID" ]
}

image_ready() { api GET "/api/v1/provisioning/images/$1" | jq -e '.state == "ready"'; }

task_on_disk() { "$DOCKER" exec "$(container pxe)" grep -q "\"$TASK_ID\"" "$FILE"; }

task_at_pxe() { inside curl -fsS --max-time 3 "http://$ENGINE_ADDRESS:9080/boot.ipxe?mac=$MAC" | grep -q '^#!ipxe'; }

task_at_backend() {
  api GET "/api/v1/provisioning/tasks/$TASK_ID" | jq -e '.status == "waiting" or .status == "booting"'
}

machine_offered() {
  ip netns exec "$ENGINE_NAMESPACE-client" python3 "$HERE/machine.py" eth0 "$MAC" |
    grep -qx "offer from $ENGINE_ADDRESS, next server $ENGINE_ADDRESS"
}

no_offer() {
  ! ip netns exec "$ENGINE_NAMESPACE-client" python3 "$HERE/machine.py" eth0 52:54:00:00:00:99
}

image_cached() { "$DOCKER" logs "$(container cache)" 2>&1 | grep -q '"cache.image_cached"'; }

no_task_lost() { task_on_disk && task_at_pxe && task_at_backend; }

# --- Rights ---------------------------------------------------------------------------------------

check_rights() {
  local service name
  for service in "${SERVICES[@]}"; do
    name=$(container "$service")
    expect "$service: the engine has it as the file says" as_declared "$service"
    expect "$service: its process holds what it was given, and no more" holds_only "$service"
    expect "$service: its root cannot be written" cannot_write "$name"
  done
  expect 'pxe has its fence around files' fenced
  expect 'pxe cannot read the key, though its user is 0' cannot_read_key pxe
  expect 'agent cannot read the key' cannot_read_key agent
  expect 'uplink can' key_is_there
  expect 'postgres is out of reach for the branch' postgres_hidden
}

fenced() {
  local log
  log=$("$DOCKER" logs "$(container pxe)" 2>&1)
  grep -q '"service.started"' <<<"$log" && ! grep -q '"service.not_fenced"' <<<"$log"
}

# user, capabilities (as Docker names them), as bits
declared() {
  case $1 in
    uplink | cache) echo '10001:10000 [] 0000000000000000' ;;
    pxe) echo '0:10000 [NET_BIND_SERVICE] 0000000000000400' ;;
    discovery) echo '0:10000 [NET_RAW] 0000000000002000' ;;
    agent) echo '10002:10000 [] 0000000000000000' ;;
  esac
}

as_declared() {
  local user caps got
  read -r user caps _ <<<"$(declared "$1")"
  got=$("$DOCKER" inspect -f '{{.Config.User}} {{.HostConfig.CapAdd}} {{.HostConfig.CapDrop}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.Privileged}} {{.HostConfig.SecurityOpt}} {{.HostConfig.RestartPolicy.Name}} {{gt .HostConfig.Memory 0}}' \
    "$(container "$1")")
  [ "$got" = "$user $caps [ALL] true false [no-new-privileges:true] unless-stopped true" ]
}

# service_pid SERVICE: the service's process; the container's first one is init.
service_pid() {
  local first
  first=$("$DOCKER" inspect -f '{{.State.Pid}}' "$(container "$1")")
  [ "$first" != 0 ] && pgrep -P "$first" -f "octofleet-tentacle $1\$" | head -n 1
}

holds_only() {
  local user bits status
  read -r user _ bits <<<"$(declared "$1")"
  status=$(cat "/proc/$(service_pid "$1")/status") || return 1
  grep -qP "^Uid:\t${user%:*}\t" <<<"$status" && grep -qP '^NoNewPrivs:\t1$' <<<"$status" || return 1
  # For another user than 0 the bounding set is empty as well: nothing was added.
  grep -qP "^CapEff:\t$bits\$" <<<"$status" && grep -qP "^CapBnd:\t$bits\$" <<<"$status"
}

cannot_write() {
  local said
  said=$("$DOCKER" exec -u 0 "$1" sh -c ': >/usr/local/bin/planted' 2>&1) && return 1
  grep -q 'Read-only file system' <<<"$said"
}

cannot_read_key() { ! "$DOCKER" exec "$(container "$1")" cat /var/lib/octofleet-tentacle/tentacle.key; }

key_is_there() { "$DOCKER" exec "$(container uplink)" test -r /var/lib/octofleet-tentacle/tentacle.key; }

postgres_hidden() { ! inside curl -s --max-time 2 "telnet://$ENGINE_ADDRESS:5432" </dev/null; }

# --- Metrics --------------------------------------------------------------------------------------

check_metrics() {
  local service
  for service in "${SERVICES[@]}"; do
    # node_exporter's names, which the agent serves too, are not ours to mend.
    if inside curl -fsS --max-time 5 "http://127.0.0.1:$(admin_port "$service")/metrics" | grep -vE '^(# (HELP|TYPE) )?node_' |
      promtool check metrics >"$TEMP/promtool.log" 2>&1; then
      ok "$service: /metrics is what promtool takes"
    else
      not_ok "$service: /metrics is what promtool takes: $(head -n 3 "$TEMP/promtool.log" | tr '\n' ' ')"
    fi
  done
  monitoring up -d --no-build prometheus >"$TEMP/prometheus.log" 2>&1
  expect 'Prometheus sees five targets up' wait_for 60 five_up
}

five_up() {
  inside curl -fsS --max-time 5 'http://127.0.0.1:9090/api/v1/query?query=up' |
    jq -e '[.data.result[] | select(.value[1] == "1") | .metric.job] | sort ==
      ["tentacle-agent", "tentacle-cache", "tentacle-discovery", "tentacle-pxe", "tentacle-uplink"]'
}

# --- Restarts -------------------------------------------------------------------------------------

check_restarts() {
  local service
  for service in "${SERVICES[@]}"; do
    around "$service" restarted restart_one
  done
}

check_kills() {
  local service
  for service in "${SERVICES[@]}"; do
    around "$service" killed kill_one
  done
  expect 'after all of that: all are healthy' wait_for 40 all_healthy
}

restart_one() { branch restart "$1" >"$TEMP/restart.log" 2>&1; }

# Not `docker kill`: that counts as a wish, and no policy acts against one.
kill_one() { kill -KILL "$(service_pid "$1")"; }

# around SERVICE WORD FUNCTION: does it, and checks what must hold meanwhile and afterwards.
around() {
  local service=$1 word=$2 before others since
  before=$(started_at "$service")
  others=$(others_started "$service")
  since=$(date +%s%N)
  "$3" "$service"
  if ! wait_for 40 back_again "$service" "$before"; then
    not_ok "$service $word: it is ready again"
    return
  fi
  ok "$service $word: it is ready again, after $((($(date +%s%N) - since) / 1000000)) ms"
  expect "$service $word: the others ran on" test "$others" = "$(others_started "$service")"
  # By Docker's own count that takes until the next interval of 10 s; once is enough.
  if [ "$word" = restarted ]; then expect "$service $word: all are healthy" wait_for 40 all_healthy; fi
  expect "$service $word: the tentacle is online" wait_for 30 tentacle_online
  expect "$service $word: no task is lost" wait_for 15 no_task_lost
}

started_at() { "$DOCKER" inspect -f '{{.State.StartedAt}}' "$(container "$1")"; }

others_started() {
  local other
  for other in "${SERVICES[@]}"; do
    [ "$other" = "$1" ] || printf '%s %s\n' "$other" "$(started_at "$other")"
  done
}

# back_again SERVICE BEFORE: started anew, and ready by its own word.
back_again() {
  [ "$(started_at "$1")" != "$2" ] &&
    inside curl -fsS --max-time 2 "http://127.0.0.1:$(admin_port "$1")/readyz"
}

# --- Upgrade, end ---------------------------------------------------------------------------------

# An upgrade makes new containers; what counts is in the volumes.
check_down() {
  local node
  node=$(api GET /api/v1/tentacles | jq -r '.tentacles[0].id')
  sed -i 's/^TENTACLE_TOKEN=.*/TENTACLE_TOKEN=/' "$TEMP/compose/.env"
  branch up -d --no-build --force-recreate >"$TEMP/recreate.log" 2>&1
  expect 'new containers: all are healthy' wait_for 90 all_healthy
  expect 'new containers: the same tentacle is online, without a token' wait_for 30 tentacle_online
  expect 'new containers: it is the same node' test "$node" = "$(api GET /api/v1/tentacles | jq -r '.tentacles[0].id')"
  expect 'new containers: no task is lost' wait_for 15 no_task_lost
  branch stop "${SERVICES[@]}" >"$TEMP/stop.log" 2>&1
  expect 'stopped: each service ended in order' ended_in_order
}

ended_in_order() {
  local service
  for service in "${SERVICES[@]}"; do
    [ "$("$DOCKER" inspect -f '{{.State.ExitCode}}' "$(container "$service")")" = 0 ] || return 1
  done
}
