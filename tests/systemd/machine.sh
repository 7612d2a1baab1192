# shellcheck shell=bash
# A machine whose first process is a real systemd: this one's files (what is written lies in memory and is gone with it),
# PIDs, mounts, host name, control groups and network of its own. To be sourced after scripts/lib/say.sh. Needs root.
#
#   machine_up DIR      DIR/files is copied over its root first; at MACHINE_ADDRESS, this host at MACHINE_HOST
#   in_machine COMMAND...
#   machine_down

MACHINE_NAMESPACE=ttsystemd
MACHINE_LINK=ttsd0
MACHINE_HOST=10.97.0.1
MACHINE_ADDRESS=10.97.0.2
MACHINE_GROUP=
MACHINE_PID=
MACHINE_INIT=

# machine_possible: prints why not, or nothing.
machine_possible() {
  [ "$(id -u)" = 0 ] || echo 'root is needed'
  [ -x /lib/systemd/systemd ] || echo 'systemd is not installed'
  grep -qw overlay /proc/filesystems || modprobe overlay 2>/dev/null || echo 'the kernel has no overlay file system'
  [ -n "$(machine_unified)" ] || echo 'no control groups of version 2 are mounted'
}

# Where version 2 is mounted, also beside version 1.
machine_unified() { awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts; }

machine_up() {
  local folder=$1
  machine_network || return 1
  MACHINE_GROUP=$(machine_unified)/$MACHINE_NAMESPACE
  mkdir -p "$folder/root" "$MACHINE_GROUP" || return 1
  # In its group before it makes a namespace of it. Not `ip netns exec`, whose /sys lacks the groups.
  # shellcheck disable=SC2016  # Expanded there.
  setsid nsenter --net="/run/netns/$MACHINE_NAMESPACE" sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$MACHINE_GROUP" \
    unshare --pid --fork --kill-child --mount --uts --ipc --cgroup \
    "$(dirname "${BASH_SOURCE[0]}")/machine_init.sh" "$folder" >"$folder/console.log" 2>&1 </dev/null &
  MACHINE_PID=$!
  wait_for 20 machine_booted
}

machine_network() {
  machine_network_down
  ip netns add "$MACHINE_NAMESPACE" &&
    ip link add "$MACHINE_LINK" type veth peer name eth0 netns "$MACHINE_NAMESPACE" &&
    ip address add "$MACHINE_HOST/24" dev "$MACHINE_LINK" && ip link set "$MACHINE_LINK" up &&
    ip -n "$MACHINE_NAMESPACE" link set lo up &&
    ip -n "$MACHINE_NAMESPACE" address add "$MACHINE_ADDRESS/24" dev eth0 && ip -n "$MACHINE_NAMESPACE" link set eth0 up
}

machine_network_down() {
  ip link delete "$MACHINE_LINK" 2>/dev/null
  [ ! -e "/run/netns/$MACHINE_NAMESPACE" ] || ip netns delete "$MACHINE_NAMESPACE"
}

# `unshare` has systemd as its only child.
machine_booted() {
  MACHINE_INIT=$(pgrep -P "$MACHINE_PID" systemd) && in_machine systemctl is-active machine.target
}

in_machine() { nsenter -t "$MACHINE_INIT" --mount --uts --ipc --net --pid --cgroup -- "$@"; }

machine_down() {
  if [ -n "$MACHINE_PID" ]; then
    kill -KILL "$MACHINE_PID" 2>/dev/null   # --kill-child takes the first process along, and that all others.
    wait "$MACHINE_PID" 2>/dev/null
    MACHINE_PID=
  fi
  machine_network_down
  [ -z "$MACHINE_GROUP" ] || wait_for 10 machine_group_gone
}

# Deepest first; one that a process is still leaving refuses.
machine_group_gone() {
  find "$MACHINE_GROUP" -depth -type d -exec rmdir {} + 2>/dev/null
  [ ! -e "$MACHINE_GROUP" ]
}
