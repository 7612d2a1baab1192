# shellcheck shell=bash
# A private PostgreSQL 15 for a demo or a test: made, used and removed; the host's own is not
# touched.
# shellcheck disable=SC2034  # POSTGRES_URL is for the caller.
#
# To be sourced. postgres_start sets POSTGRES_URL; POSTGRES_OPTIONS adds to the server's options. As root it runs as the user `postgres`, since
# PostgreSQL refuses to run as root; otherwise as whoever calls.

POSTGRES_BIN=${POSTGRES_BIN:-/usr/lib/postgresql/15/bin}
POSTGRES_DATABASE=octofleet

# postgres_start DIR: DIR must not exist yet. Returns 1 with the log's end when it does not start.
postgres_start() {
  POSTGRES_DIR=$1
  if [ ! -x "$POSTGRES_BIN/initdb" ]; then
    echo "postgres: $POSTGRES_BIN/initdb is missing" >&2
    return 1
  fi
  mkdir -p "$POSTGRES_DIR" || return 1
  postgres_reachable "$POSTGRES_DIR"
  local password
  password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  printf '%s\n' "$password" >"$POSTGRES_DIR/password"
  chmod 0600 "$POSTGRES_DIR/password"
  [ "$(id -u)" != 0 ] || chown -R postgres "$POSTGRES_DIR"
  if ! postgres_as "$POSTGRES_BIN/initdb" -D "$POSTGRES_DIR/data" -U octofleet -E UTF8 \
    --locale=C.UTF-8 --auth=scram-sha-256 --pwfile="$POSTGRES_DIR/password" --no-sync \
    >"$POSTGRES_DIR/initdb.log" 2>&1; then
    tail -n 10 "$POSTGRES_DIR/initdb.log" >&2
    return 1
  fi
  postgres_run || return 1
  PGPASSWORD=$password "$POSTGRES_BIN/createdb" -h 127.0.0.1 -p "$POSTGRES_PORT" -U octofleet \
    "$POSTGRES_DATABASE" || return 1
  POSTGRES_URL="postgresql://octofleet:$password@127.0.0.1:$POSTGRES_PORT/$POSTGRES_DATABASE"
}

# A port that looks free may be taken a moment later, so several are tried.
postgres_run() {
  local try
  for try in $(seq 1 20); do
    POSTGRES_PORT=$((20000 + (RANDOM + try) % 12000))
    [ -z "$(ss -Hltn "sport = :$POSTGRES_PORT")" ] || continue
    # Nothing here outlives the run, so nothing has to survive a power failure.
    if postgres_as "$POSTGRES_BIN/pg_ctl" -D "$POSTGRES_DIR/data" -l "$POSTGRES_DIR/postgres.log" \
      -w -t 60 -s -o "-p $POSTGRES_PORT -c listen_addresses=127.0.0.1 \
        -c unix_socket_directories=$POSTGRES_DIR -c fsync=off -c max_connections=100 \
        ${POSTGRES_OPTIONS-}" start \
      >>"$POSTGRES_DIR/pg_ctl.log" 2>&1 </dev/null; then
      return 0
    fi
  done
  tail -n 10 "$POSTGRES_DIR/postgres.log" >&2
  return 1
}

# postgres_stop: harmless when it does not run.
postgres_stop() {
  [ -n "${POSTGRES_DIR-}" ] && [ -s "$POSTGRES_DIR/data/postmaster.pid" ] || return 0
  postgres_as "$POSTGRES_BIN/pg_ctl" -D "$POSTGRES_DIR/data" -m fast -w -t 30 -s stop \
    >>"$POSTGRES_DIR/pg_ctl.log" 2>&1 ||
    postgres_as "$POSTGRES_BIN/pg_ctl" -D "$POSTGRES_DIR/data" -m immediate -w -t 30 -s stop \
      >>"$POSTGRES_DIR/pg_ctl.log" 2>&1 || true
}

# postgres_remove: stops it and deletes its files.
postgres_remove() {
  [ -n "${POSTGRES_DIR-}" ] || return 0
  postgres_stop
  rm -rf "$POSTGRES_DIR"
  POSTGRES_DIR=
}

# postgres_as COMMAND...: from a folder that the user postgres can be in, and in a session of its
# own, so that Ctrl-C in the script's terminal does not reach the server before the backend is
# stopped.
postgres_as() {
  if [ "$(id -u)" = 0 ]; then
    (cd / && setsid --wait setpriv --reuid=postgres --regid=postgres --init-groups "$@")
  else
    setsid --wait "$@"
  fi
}

# postgres_reachable DIR: the folders above a mktemp -d are closed; passing through is enough.
postgres_reachable() {
  local above
  [ "$(id -u)" = 0 ] || return 0
  above=$(dirname "$1")
  while [ "$above" != / ]; do
    [ -n "$(find "$above" -maxdepth 0 -perm -0001)" ] || chmod o+x "$above"
    above=$(dirname "$above")
  done
}
