# shellcheck shell=bash
# A Docker engine of our own: own folders, own socket, own network namespace; removed without a trace.
#
# To be sourced after say.sh. The images stay below ENGINE_CACHE, so that a second run is quick;
# containers and volumes do not.
# shellcheck disable=SC2034  # Some names are for the caller.

ENGINE_CACHE=${ENGINE_CACHE:-$REPO/build/compose}
ENGINE_NAMESPACE=tt-compose
ENGINE_OWNER=/run/tentacle-compose
ENGINE_ADDRESS=10.91.0.1
CLIENT_ADDRESS=10.91.0.2
# docker.io's own client: a newer one beside it may want a plugin for BuildKit.
DOCKER=/usr/bin/docker
DOCKERD=/usr/sbin/dockerd
ENGINE_PID=
ENGINE_CLAIMED=

# engine_possible: 1 with a sentence where it cannot run.
engine_possible() {
  [ "$(id -u)" = 0 ] || { echo 'root is needed for dockerd'; return 1; }
  local program
  for program in "$DOCKER" "$DOCKERD" docker-compose debootstrap ip iptables nsenter jq promtool; do
    command -v "$program" >/dev/null || { echo "$program is missing"; return 1; }
  done
  # A sandbox without these rights, or without cgroups, has no containers; engine_works finds the
  # reasons that only show when one tries.
  unshare --mount --net --pid --fork true 2>/dev/null || { echo 'no right to make namespaces'; return 1; }
  mountpoint -q /sys/fs/cgroup || { echo 'no cgroups are mounted'; return 1; }
}

# engine_works: a container runs; prints why not. Needs base_image.
engine_works() {
  local said
  said=$(timeout 60 "$DOCKER" run --rm --network host --read-only debian:bookworm-slim true 2>&1) ||
    { echo "a container does not run here: $said" | tail -n 1; return 1; }
}

# engine_start host|namespace|machine DIR: the engine in the host's network, for building (it opens nothing
# there and leaves addresses, routes and filters as they are), or in the namespace, for running; as `machine`
# it is the first process there as well, so that for `pid: host` this is where the host ends.
engine_start() {
  local where=$1
  ENGINE_DIR=$2
  local driver
  mkdir -p "$ENGINE_DIR" "$ENGINE_CACHE"
  export DOCKER_HOST=unix://$ENGINE_DIR/docker.sock
  # Not every file system can be overlay's upper layer; vfs copies, which is slow and always works.
  for driver in overlay2 vfs; do
    engine_launch "$where" "$driver" && return 0
    engine_stop
  done
  show_tail "$ENGINE_DIR/dockerd.log" 25
  return 1
}

engine_launch() {
  local -a command=("$DOCKERD" --data-root "$ENGINE_CACHE/docker" --exec-root "$ENGINE_DIR/exec"
    --pidfile "$ENGINE_DIR/dockerd.pid" --host "$DOCKER_HOST" --storage-driver "$2" --shutdown-timeout 20)
  if [ "$1" = host ]; then
    command+=(--bridge none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false)
  else
    # Not `ip netns exec`: that mounts a /sys of its own, where the cgroups are missing.
    [ "$1" != machine ] || command=(unshare --pid --fork --kill-child --mount-proc "${command[@]}")
    command=(nsenter --net="/run/netns/$ENGINE_NAMESPACE" "${command[@]}")
  fi
  # In a session of its own, so that Ctrl-C reaches the engine through engine_stop alone.
  setsid "${command[@]}" >>"$ENGINE_DIR/dockerd.log" 2>&1 </dev/null &
  ENGINE_PID=$!
  local until=$(($(now_s) + 40))
  until "$DOCKER" version >/dev/null 2>&1; do
    kill -0 "$ENGINE_PID" 2>/dev/null && [ "$(now_s)" -lt "$until" ] || return 1
    sleep 0.2
  done
}

# engine_stop: SIGTERM stops the containers too; bounded.
engine_stop() {
  [ -n "$ENGINE_PID" ] || return 0
  kill "$(engine_process)" 2>/dev/null
  wait_for 45 engine_gone || kill -KILL "$ENGINE_PID" 2>/dev/null
  wait "$ENGINE_PID" 2>/dev/null
  ENGINE_PID=
  engine_kill_rest
}

# engine_process: dockerd itself; unshare(1) has it as its child.
engine_process() { pgrep -P "$ENGINE_PID" -x dockerd || echo "$ENGINE_PID"; }

engine_gone() { ! kill -0 "$ENGINE_PID" 2>/dev/null; }

# What an engine that had to be killed left: its processes name our folder, and so do mounts. The
# first process of a container is the child of a shim, and takes all others of it along.
engine_kill_rest() {
  local process pid target
  for process in /proc/[0-9]*; do
    pid=${process#/proc/}
    if grep -qsaF -- "$ENGINE_DIR/exec" "$process/cmdline"; then
      pkill -KILL -P "$pid"
      kill -KILL "$pid" 2>/dev/null
    fi
  done
  awk -v one="$ENGINE_DIR/" -v two="$ENGINE_CACHE/docker/" \
    'index($5 "/", one) == 1 || index($5 "/", two) == 1 {print $5}' /proc/self/mountinfo | sort -r |
    while read -r target; do umount -l "$target" 2>/dev/null; done
}

# engine_claim DIR: one engine at a time, since the namespace has a fixed name. A run that was killed
# with SIGKILL is cleared away, also one of another clone; one that is alive is left in peace.
engine_claim() {
  local owner folder cache
  mkdir -p "$ENGINE_CACHE"
  if { read -r owner folder cache <"$ENGINE_OWNER"; } 2>/dev/null; then
    if grep -qsa 'compose_test' "/proc/$owner/cmdline"; then
      echo "another run is under way, process $owner" >&2
      return 1
    fi
    case $folder in
      /tmp/tentacle-test.??????)
        engine_clear_old "$folder/engine" "$cache"
        rm -rf --one-file-system "$folder"
        ;;
    esac
  fi
  engine_disarm || return 1
  printf '%s %s %s\n' "$$" "$1" "$ENGINE_CACHE" >"$ENGINE_OWNER"
  ENGINE_CLAIMED=yes
}

# engine_clear_old DIR CACHE: as if these were ours.
engine_clear_old() {
  local ENGINE_DIR=$1 ENGINE_CACHE=$2
  engine_kill_rest
  engine_disarm
}

# Containers of a killed run would come back with the next engine, by their policy, and that one is
# in the host's network.
engine_disarm() {
  local file
  for file in "$ENGINE_CACHE"/docker/containers/*/hostconfig.json; do
    [ -e "$file" ] || continue
    jq '.RestartPolicy = {Name: "no", MaximumRetryCount: 0}' "$file" >"$file.new" || return 1
    mv "$file.new" "$file"
  done
}

engine_release() { rm -f "$ENGINE_OWNER"; }

# namespace_up: a host with a segment, and a machine on it. Nothing leads out.
namespace_up() {
  namespace_down
  ip netns add "$ENGINE_NAMESPACE" && ip netns add "$ENGINE_NAMESPACE-client" &&
    ip -n "$ENGINE_NAMESPACE" link set lo up &&
    ip -n "$ENGINE_NAMESPACE" link add lan0 type veth peer name eth0 netns "$ENGINE_NAMESPACE-client" &&
    ip -n "$ENGINE_NAMESPACE" address add "$ENGINE_ADDRESS/24" dev lan0 &&
    ip -n "$ENGINE_NAMESPACE" link set lan0 up &&
    ip -n "$ENGINE_NAMESPACE-client" address add "$CLIENT_ADDRESS/24" dev eth0 &&
    ip -n "$ENGINE_NAMESPACE-client" link set eth0 up
}

# namespace_down: whatever a killed run left in them goes as well.
namespace_down() {
  local namespace pid
  for namespace in "$ENGINE_NAMESPACE-client" "$ENGINE_NAMESPACE"; do
    [ -e "/run/netns/$namespace" ] || continue
    for pid in $(ip netns pids "$namespace" 2>/dev/null); do kill -KILL "$pid" 2>/dev/null; done
    ip netns del "$namespace" 2>/dev/null
  done
}

inside() { ip netns exec "$ENGINE_NAMESPACE" "$@"; }

# base_image: debian:bookworm-slim, made here, since a registry cannot be asked everywhere. It gets
# what apt needs on this machine: Debian's sources and settings for the way there.
base_image() {
  local tar=$ENGINE_CACHE/base.tar root=$ENGINE_CACHE/base.root
  if [ ! -s "$tar" ]; then
    rm -rf --one-file-system "$root"
    debootstrap --variant=minbase bookworm "$root" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" ||
      return 1
    base_apt_settings "$root"
    rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale}/*
    tar -C "$root" -cf "$tar.new" . && mv "$tar.new" "$tar"
    rm -rf --one-file-system "$root"
  fi
  if [ "$("$DOCKER" image inspect -f '{{index .Config.Labels "tt.tar"}}' debian:bookworm-slim \
    2>/dev/null)" != "$(stat -c %Y "$tar")" ]; then
    "$DOCKER" import --change "LABEL tt.tar=$(stat -c %Y "$tar")" --change 'CMD ["bash"]' \
      "$tar" debian:bookworm-slim
  fi
}

base_apt_settings() {
  local root=$1 file copied=no
  for file in /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list; do
    # Others' repositories would need others' keys.
    if grep -qs 'debian-archive-keyring' "$file"; then
      cp "$file" "$root/etc/apt/sources.list.d/" && copied=yes
    fi
  done
  if [ -s /etc/apt/sources.list ]; then
    cp /etc/apt/sources.list "$root/etc/apt/sources.list"
  elif [ "$copied" = yes ]; then
    rm -f "$root/etc/apt/sources.list"
  fi
  for file in /etc/apt/apt.conf /etc/apt/apt.conf.d/*; do
    if grep -qsiE 'Acquire::(https?|ftp|Check|Retries|Force)' "$file"; then
      cp "$file" "$root/etc/apt/apt.conf.d/"
    fi
  done
  # As Debian's own image for containers: no service starts, no package stays in the cache, and
  # unpacking does not wait for the disk after each file.
  echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/unsafe-io"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 0755 "$root/usr/sbin/policy-rc.d"
  printf '%s\n' 'Dir::Cache::pkgcache "";' 'Dir::Cache::srcpkgcache "";' \
    'DPkg::Post-Invoke {"rm -f /var/cache/apt/archives/*.deb || true";};' \
    >"$root/etc/apt/apt.conf.d/90no-cache"
}

# ccache_image: what this machine has compiled already, for the image's build.
ccache_image() {
  local folder name
  folder=$(ccache --get-config cache_dir 2>/dev/null)
  if [ -d "$folder" ]; then
    tar -C "$folder" --transform 's,^\.,ccache,' -cf - . |
      "$DOCKER" import - octofleet-ccache-seed >/dev/null && CCACHE_SEED=octofleet-ccache-seed
  fi
  CCACHE_LOCALE=$(for name in LANG LC_ALL LC_CTYPE LC_MESSAGES; do
    [ -z "${!name+set}" ] || printf '%s=%s ' "$name" "${!name}"
  done)
  export CCACHE_SEED=${CCACHE_SEED:-scratch} CCACHE_LOCALE
}
