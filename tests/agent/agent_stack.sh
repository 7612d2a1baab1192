# shellcheck shell=bash
# PostgreSQL, backend, uplink and agent, on loopback. To be sourced after scripts/lib/{say,postgres}.sh.
# agent_stack_up DIR; agent_stack_down. Sets BASE (URL of the backend), KEY_FILE, NODE (its id).
# shellcheck disable=SC2034

BACKEND=${BACKEND:-$REPO/build/${BUILD_PRESET:-dev}/backend/octofleet-backend}
TENTACLE=${TENTACLE:-$REPO/build/${BUILD_PRESET:-dev}/cli/octofleet-tentacle}
declare -A AGENT_PIDS

agent_stack_up() {
  AGENT_DIR=$1
  mkdir -p "$AGENT_DIR/images" "$AGENT_DIR/web" "$AGENT_DIR/state" "$AGENT_DIR/run" "$AGENT_DIR/home"
  chmod 711 "$AGENT_DIR"
  # What root's login files on this host do takes its time, and is not what is looked at.
  awk -F: -v OFS=: -v home="$AGENT_DIR/home" '$3 == 0 { $6 = home } 1' /etc/passwd >"$AGENT_DIR/passwd"
  postgres_start "$AGENT_DIR/postgres" || return 1
  KEY_FILE=$AGENT_DIR/key
  (umask 077 && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$KEY_FILE")
  BACKEND_PORT=$(free_port)
  BASE=http://127.0.0.1:$BACKEND_PORT
  agent_start backend "$BACKEND" --listen "127.0.0.1:$BACKEND_PORT" --database "$POSTGRES_URL" \
    --image-dir "$AGENT_DIR/images" --web-dir "$AGENT_DIR/web" --api-key-file "$KEY_FILE"
  wait_for 60 curl -sf "$BASE/readyz" || return 1
  agent_enroll || return 1
  agent_start_service uplink && agent_start_service agent || return 1
  wait_for 60 agent_online || return 1
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# agent_start NAME COMMAND...
agent_start() {
  local name=$1
  shift
  env TENTACLE_STATE_DIR="$AGENT_DIR/state" TENTACLE_RUN_DIR="$AGENT_DIR/run" \
    "$@" >>"$AGENT_DIR/$name.log" 2>&1 </dev/null &
  AGENT_PIDS[$name]=$!
}

agent_start_service() {
  local own_users=()
  # shellcheck disable=SC2016  # Expanded there.
  [ "$1" != agent ] || own_users=(unshare --mount sh -c 'mount --bind "$0" /etc/passwd && exec "$@"' "$AGENT_DIR/passwd")
  agent_start "$1" "${own_users[@]}" "$TENTACLE" "$1"
}

# agent_stop NAME [SIGNAL]: waits until it is gone.
agent_stop() {
  [ -n "${AGENT_PIDS[$1]-}" ] || return 0
  kill "-${2:-TERM}" "${AGENT_PIDS[$1]}" 2>/dev/null
  wait "${AGENT_PIDS[$1]}" 2>/dev/null
  unset "AGENT_PIDS[$1]"
}

agent_enroll() {
  local token
  token=$(agent_api POST /api/v1/enrollment-tokens '{"maxUses":1}' | jq -r .token) || return 1
  # Ports of their own, and a host whose owner allows shells.
  cat >"$AGENT_DIR/state/config.yaml" <<YAML
agent:
  admin_listen: 127.0.0.1:$(free_port)
  metrics_interval_s: ${AGENT_METRICS_S:-60}
  shell_enabled: ${AGENT_SHELL:-false}
uplink:
  admin_listen: 127.0.0.1:$(free_port)
  backoff_base_ms: 50
  backoff_cap_ms: 500
YAML
  TENTACLE_TOKEN=$token TENTACLE_STATE_DIR=$AGENT_DIR/state "$TENTACLE" enroll --backend "$BASE" --name bench \
    >"$AGENT_DIR/enroll.log" 2>&1 || return 1
  NODE=$(agent_api GET /api/v1/tentacles | jq -r '.tentacles[0].id')
}

agent_online() { agent_api GET "/api/v1/nodes/$NODE" | jq -e .online >/dev/null; }

# agent_api METHOD PATH [JSON]
agent_api() {
  curl -sS --max-time 30 -X "$1" -H "X-API-Key: $(cat "$KEY_FILE")" ${3+-d "$3"} "$BASE$2"
}

agent_stack_down() {
  agent_stop agent
  agent_stop uplink
  agent_stop backend
  postgres_stop
}
