# shellcheck shell=bash
# The lab of demo and tests: a branch office in network namespaces, with machines of QEMU.
#
#   root namespace        tt-tent                tt-lan                  tt-dhcp
#   tt-wan 10.78.0.1 ---- wan0 10.78.0.2/30
#   (the backend)         lan0 10.77.0.2/24 ---- bridge tt-br ---------- lan0 10.77.0.1/24
#                                                 |       |              (the office's DHCP server,
#                                               tt-NAME tt-NAME           without any boot options)
#                                               (machines, on TAP devices)
#
# To be sourced. One lab at a time on a host: the names above are fixed, so that what a killed run
# left behind can be found. lab_down removes what lab_up made, and nothing else.

LAB_NAMESPACES="tt-lan tt-dhcp tt-tent"
LAB_WAN_DEVICE=tt-wan
LAB_LAN_DEVICE=lan0
LAB_DHCP_ADDRESS=10.77.0.1
LAB_TENTACLE_ADDRESS=10.77.0.2
LAB_BACKEND_ADDRESS=10.78.0.1
LAB_TENTACLE_WAN_ADDRESS=10.78.0.2
LAB_STATE=${LAB_STATE:-/run/tentacle-lab}   # owner, and processes/NAME with "pid start-time"
LAB_STOP_PATIENCE_S=15
declare -a LAB_DHCP_OPTIONS   # More of dnsmasq's options for the office's DHCP server.

# lab_up DIR: DIR is where logs and disks go. Returns 1 with a sentence if another lab is running.
lab_up() {
  LAB_DIR=$1
  mkdir -p "$LAB_DIR"
  lab_own || return 1
  lab_remove
  mkdir -p "$LAB_STATE/processes"
  printf '%s %s\n' "$$" "$(lab_start_time "$$")" >"$LAB_STATE/owner"
  lab_make_networks || {
    echo 'lab: the network namespaces could not be made' >&2
    return 1
  }
  lab_start_dhcp
}

# lab_own: 1 if somebody else's lab is alive.
lab_own() {
  local pid start_time
  [ -s "$LAB_STATE/owner" ] || return 0
  read -r pid start_time <"$LAB_STATE/owner"
  if [ "$pid" != "$$" ] && lab_alive "$pid" "$start_time"; then
    echo "lab: another lab is running (process $pid)" >&2
    return 1
  fi
}

# lab_down: stops and removes everything; harmless when there is nothing, or when it is not ours.
lab_down() {
  lab_own 2>/dev/null || return 0
  lab_remove
  rm -rf "$LAB_STATE"
}

lab_remove() {
  local namespace file pids
  for file in "$LAB_STATE"/processes/*; do
    [ -e "$file" ] || continue
    lab_stop "${file##*/}"
  done
  for namespace in $LAB_NAMESPACES; do
    [ -e "/run/netns/$namespace" ] || continue
    # Whoever lives in a namespace of the lab belongs to the lab, also grandchildren.
    pids=$(ip netns pids "$namespace" 2>/dev/null | tr '\n' ' ')
    # shellcheck disable=SC2086  # One word a process.
    [ -z "$pids" ] || kill -KILL $pids 2>/dev/null || true
    ip netns del "$namespace" || true
  done
  if ip link show "$LAB_WAN_DEVICE" >/dev/null 2>&1; then
    ip link del "$LAB_WAN_DEVICE" || true
  fi
}

lab_make_networks() {
  local namespace
  for namespace in $LAB_NAMESPACES; do
    # A namespace goes away a moment after its deletion; its name is free at once.
    ip netns add "$namespace" || return 1
    ip -n "$namespace" link set lo up || return 1
  done
  ip -n tt-lan link add tt-br type bridge stp_state 0 forward_delay 0 mcast_snooping 0 &&
    ip -n tt-lan link set tt-br up &&
    lab_plug tt-dhcp dhcp "$LAB_DHCP_ADDRESS/24" &&
    lab_plug tt-tent tent "$LAB_TENTACLE_ADDRESS/24" &&
    ip link add "$LAB_WAN_DEVICE" type veth peer name wan0 netns tt-tent &&
    ip addr add "$LAB_BACKEND_ADDRESS/30" dev "$LAB_WAN_DEVICE" &&
    ip link set "$LAB_WAN_DEVICE" up &&
    ip -n tt-tent addr add "$LAB_TENTACLE_WAN_ADDRESS/30" dev wan0 &&
    ip -n tt-tent link set wan0 up
}

# lab_plug NAMESPACE PORT ADDRESS: a cable from the namespace to the bridge.
lab_plug() {
  ip -n "$1" link add "$LAB_LAN_DEVICE" type veth peer name "tt-p-$2" netns tt-lan &&
    ip -n tt-lan link set "tt-p-$2" master tt-br &&
    ip -n tt-lan link set "tt-p-$2" up &&
    ip -n "$1" addr add "$3" dev "$LAB_LAN_DEVICE" &&
    ip -n "$1" link set "$LAB_LAN_DEVICE" up
}

# The office's own DHCP server: addresses and a router, nothing about booting. It is another
# company's box as far as the tentacle is concerned.
lab_start_dhcp() {
  lab_start office-dhcp tt-dhcp dnsmasq --keep-in-foreground --conf-file=/dev/null --port=0 \
    --user=root --interface="$LAB_LAN_DEVICE" --bind-interfaces --no-ping --dhcp-authoritative \
    --dhcp-range=10.77.0.100,10.77.0.199,255.255.255.0,30m \
    --dhcp-option=option:router,"$LAB_DHCP_ADDRESS" --dhcp-leasefile="$LAB_DIR/office.leases" \
    --log-dhcp --log-facility=- --pid-file= "${LAB_DHCP_OPTIONS[@]}"
}

# lab_start NAME NAMESPACE COMMAND...: in the background, with its output in $LAB_DIR/NAME.log.
# NAMESPACE `-` is the root namespace.
lab_start() {
  local name=$1 namespace=$2 pid
  shift 2
  if [ "$namespace" != - ]; then
    set -- ip netns exec "$namespace" "$@"
  fi
  # Its own session: Ctrl-C is for the script, which then stops its processes in good order.
  setsid "$@" >>"$LAB_DIR/$name.log" 2>&1 </dev/null &
  pid=$!
  printf '%s %s\n' "$pid" "$(lab_start_time "$pid")" >"$LAB_STATE/processes/$name"
}

# lab_pid NAME: prints the process while it is alive.
lab_pid() {
  local pid start_time
  [ -s "$LAB_STATE/processes/$1" ] || return 1
  read -r pid start_time <"$LAB_STATE/processes/$1"
  lab_alive "$pid" "$start_time" && printf '%s\n' "$pid"
}

# lab_start_time PID: field 22 of stat, counted behind the name, which may hold blanks. Pid and
# start time together are never used again, so a recorded pid cannot hit a stranger.
lab_start_time() {
  local stat
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
  stat=${stat##*) }
  # shellcheck disable=SC2086  # The fields are to be split.
  set -- $stat
  printf '%s\n' "${20}"
}

# lab_alive PID START_TIME: a zombie is not alive.
lab_alive() {
  [ -n "$1" ] && [ -n "$2" ] && [ "$(lab_start_time "$1")" = "$2" ] &&
    ! grep -qs '^State:[[:space:]]*Z' "/proc/$1/status"
}

# lab_stop NAME: asks, waits, then insists; with everything that the process started and that stayed
# in its session.
lab_stop() {
  local file=$LAB_STATE/processes/$1 pid start_time tries=0
  [ -s "$file" ] || return 0
  read -r pid start_time <"$file"
  if lab_alive "$pid" "$start_time"; then
    kill -TERM "$pid" 2>/dev/null || true
    while lab_alive "$pid" "$start_time" && [ $tries -lt $((LAB_STOP_PATIENCE_S * 10)) ]; do
      sleep 0.1
      tries=$((tries + 1))
    done
    kill -KILL -- "-$pid" 2>/dev/null || kill -KILL "$pid" 2>/dev/null || true
  fi
  rm -f "$file"
}

# lab_played_boot_files STATE: for machines that are played, which run nothing of them. STATE is the tentacle's.
lab_played_boot_files() {
  local file boot=$1/cache/boot
  mkdir -p "$boot/ramdisk"
  for file in undionly.kpxe ipxe.efi snponly.efi ramdisk/vmlinuz ramdisk/initrd.img; do
    printf 'boot file %s\n' "$file" >"$boot/$file"
  done
}

# lab_disk FILE SIZE: an empty disk.
lab_disk() {
  qemu-img create -q -f qcow2 "$1" "$2"
}

# lab_vm NAME FIRMWARE MAC DISK: switches a machine on. FIRMWARE is bios (SeaBIOS, whose network
# card brings iPXE's ROM), uefi (OVMF with its own PXE), uefi-http (the same with HTTP Boot alone) or uefi-secure (with
# Secure Boot on).
# The disk comes first and the network second: an empty disk falls to the network, an installed one
# starts. The serial line is $LAB_DIR/NAME.serial.
lab_vm() {
  local name=$1 firmware=$2 mac=$3 disk=$4
  local tap="tt-${name:0:12}"
  local -a options
  ip -n tt-lan tuntap add dev "$tap" mode tap 2>/dev/null || true   # There since the last start.
  ip -n tt-lan link set "$tap" master tt-br || return 1
  ip -n tt-lan link set "$tap" up || return 1
  options=(-accel 'tcg,thread=multi' -m 1024 -smp 1 -display none -monitor none -nodefaults -no-user-config
    -serial "file:$LAB_DIR/$name.serial"
    -drive "if=none,id=disk,file=$disk,format=qcow2,cache=unsafe,discard=unmap"
    -device "virtio-blk-pci,drive=disk,bootindex=1,serial=$(lab_disk_serial "$name")"
    -netdev "tap,id=lan,ifname=$tap,script=no,downscript=no")
  case $firmware in
    bios)
      options+=(-machine 'pc,usb=off,graphics=off' -device "virtio-net-pci,netdev=lan,mac=$mac,bootindex=2")
      ;;
    uefi | uefi-http)
      [ -e "$disk.vars" ] || cp /usr/share/OVMF/OVMF_VARS_4M.fd "$disk.vars"
      # Without a ROM on the card OVMF uses its own driver and its own PXE. Some of OVMF's network
      # stack wants random numbers.
      options+=(-machine 'q35,usb=off,graphics=off' -device virtio-rng-pci
        -drive 'if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd'
        -drive "if=pflash,format=raw,unit=1,file=$disk.vars"
        -device "virtio-net-pci,netdev=lan,mac=$mac,bootindex=2,romfile=")
      # Without PXE what remains of the network is HTTP Boot.
      [ "$firmware" = uefi ] || options+=(-fw_cfg 'name=opt/org.tianocore/IPv4PXESupport,string=no'
        -fw_cfg 'name=opt/org.tianocore/IPv6PXESupport,string=no')
      ;;
    uefi-secure)
      # The firmware's memory with Microsoft's keys: nothing starts that shim and its vendor did not sign.
      [ -e "$disk.vars" ] || cp /usr/share/OVMF/OVMF_VARS_4M.ms.fd "$disk.vars"
      options+=(-machine 'q35,usb=off,graphics=off,smm=on' -device virtio-rng-pci
        -global 'driver=cfi.pflash01,property=secure,value=on'
        -drive 'if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.ms.fd'
        -drive "if=pflash,format=raw,unit=1,file=$disk.vars"
        -device "virtio-net-pci,netdev=lan,mac=$mac,bootindex=2,romfile=")
      ;;
    *)
      echo "lab: there is no firmware '$firmware'" >&2
      return 1
      ;;
  esac
  lab_start "vm-$name" tt-lan qemu-system-x86_64 "${options[@]}"
}

# lab_disk_serial NAME: what the disk of a machine says of itself (virtio allows 20 characters).
lab_disk_serial() {
  printf 'tt-%s' "${1:0:16}"
}
