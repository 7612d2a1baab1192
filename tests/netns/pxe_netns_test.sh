#!/bin/bash
# The pxe service between two segments and a relay, with other people's clients: each interface answers with its own
# address, strangers hear nothing, files go over lines that lose, double and reorder.
#
#   pxe_netns_test.sh OCTOFLEET_TENTACLE FAULTY_WIRE PACKET_FLOOD
#
# Exit code 77: skipped, with the reason.
set -euo pipefail

tentacle=$1
faulty_wire=$2
packet_flood=$3
here=$(cd "$(dirname "$0")" && pwd)

skip() { echo "SKIPPED: $1"; exit 77; }
[ "$(id -u)" = 0 ] || skip "network namespaces need root"
for tool in ip python3 curl atftp tftp tshark dhcpd busybox strace; do
  command -v "$tool" >/dev/null || skip "$tool is not installed"
done
unshare --net true 2>/dev/null || skip "this host does not allow network namespaces"
for program in "$tentacle" "$faulty_wire" "$packet_flood"; do
  [ -x "$program" ] || { echo "FAILED: $program is not built"; exit 1; }
done

# Several runs side by side do not meet.
tag=ttpxe-$$
scratch=$(mktemp -d)
service_pid=
wire_pid=
listen_pid=
flood_pid=
nginx_pid=
dhcpd_pid=
strace_pid=

clean_up() {
  local code=$? name
  trap - EXIT
  for pid in $service_pid $wire_pid $listen_pid $flood_pid $nginx_pid $dhcpd_pid $strace_pid; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in $service_pid $wire_pid $listen_pid $flood_pid $nginx_pid $dhcpd_pid $strace_pid; do wait "$pid" 2>/dev/null || true; done
  for name in server one two wire; do ip netns del "$tag-$name" 2>/dev/null || true; done
  if [ $code -ne 0 ] && [ $code -ne 77 ] && [ -f "$scratch/log" ]; then
    echo "--- the service's log"; tail -40 "$scratch/log"
  fi
  rm -rf "$scratch"
  exit $code
}
trap clean_up EXIT
trap 'exit 130' INT TERM

checks=0
ok() { checks=$((checks + 1)); echo "ok $checks - $1"; }
fail() { echo "not ok - $1"; exit 1; }
check() { local what=$1; shift; "$@" >"$scratch/out" 2>&1 || { cat "$scratch/out"; fail "$what"; }; ok "$what"; }
# comes WHAT COMMAND...: until it is true.
comes() {
  local what=$1; shift
  for _ in $(seq 1 200); do
    if "$@" >"$scratch/out" 2>&1; then ok "$what"; return; fi
    read -rt 0.1 <> <(:) || true
  done
  cat "$scratch/out"
  fail "$what"
}
in_ns() { local name=$1; shift; ip netns exec "$tag-$name" "$@"; }

# server: s0 10.91.0.1/24 --- wire --- c0 10.91.0.10 (one);  s1 10.92.0.1/24 --- c1 10.92.0.10 (two)
for name in server one two wire; do
  ip netns add "$tag-$name"
  ip -n "$tag-$name" link set lo up
done
# Single packets, so that each can be lost by itself.
ip -n "$tag-server" link add s0 gso_max_segs 1 type veth peer name w0 netns "$tag-wire"
ip -n "$tag-one" link add c0 gso_max_segs 1 type veth peer name w1 netns "$tag-wire"
ip -n "$tag-server" link add s1 type veth peer name c1 netns "$tag-two"
ip -n "$tag-wire" link set w0 up
ip -n "$tag-wire" link set w1 up
ip -n "$tag-one" link set c0 address 52:54:00:91:00:0a
ip -n "$tag-two" link set c1 address 52:54:00:92:00:0a
ip -n "$tag-server" addr add 10.91.0.1/24 dev s0
ip -n "$tag-server" addr add 10.92.0.1/24 dev s1
ip -n "$tag-server" link set s0 up
ip -n "$tag-server" link set s1 up
ip -n "$tag-one" addr add 10.91.0.10/24 dev c0
ip -n "$tag-one" addr add 10.91.0.11/24 dev c0
ip -n "$tag-one" link set c0 up
ip -n "$tag-one" route add default via 10.91.0.1
ip -n "$tag-two" addr add 10.92.0.10/24 dev c1
ip -n "$tag-two" link set c1 up
# From where requests come that nobody acknowledges.
for n in $(seq 20 39); do ip -n "$tag-two" addr add "10.92.0.$n/24" dev c1; done
# Addresses of nobody's network, for packets that claim to come from there.
ip -n "$tag-two" addr add 10.99.0.10/24 dev c1
ip -n "$tag-server" route add 10.99.0.0/24 via 10.92.0.10

start_wire() {
  [ -z "$wire_pid" ] || { kill -TERM "$wire_pid"; wait "$wire_pid" 2>/dev/null || true; }
  : >"$scratch/wire"
  ip netns exec "$tag-wire" "$faulty_wire" w0 w1 "$@" >"$scratch/wire" 2>&1 &
  wire_pid=$!
  comes "a wire: ${*:-perfect}" grep -q open "$scratch/wire"
}

mkdir -p "$scratch/state/tasks" "$scratch/state/cache/boot/secureboot"
boot=$scratch/state/cache/boot
head -c 1000000 /dev/urandom >"$boot/ipxe.efi"
head -c 100000000 /dev/urandom >"$boot/large.efi"   # 195313 blocks of 512: the number rolls over.
cp "$boot/ipxe.efi" "$boot/undionly.kpxe"
head -c 5000 /dev/urandom >"$boot/secureboot/grubx64.efi"
crowd=$(for n in $(seq 16 35); do printf '52:54:00:92:01:%02x ' "$n"; done)
for mac in 52:54:00:91:00:0a 52:54:00:92:00:0a $crowd; do
  printf '{"task":{"id":"t-%s","mac":"%s","hostname":"pc","imageId":"1","osType":"linux-image","platform":"kvm-libvirt","network":{"dhcp":true}},"progress":{"status":"waiting"},"orders":{}}\n' \
    "${mac//:/}" "$mac" >"$scratch/state/tasks/${mac//:/-}.json"
done

start_wire
TENTACLE_STATE_DIR=$scratch/state TENTACLE_RUN_DIR=$scratch/run \
  ip netns exec "$tag-server" "$tentacle" pxe >"$scratch/log" 2>&1 &
service_pid=$!
comes 'the service listens' in_ns server curl -fsS --max-time 2 http://127.0.0.1:9472/healthz
ip netns exec "$tag-two" tshark -q -i c1 -w "$scratch/two.pcap" 'udp' >"$scratch/tshark.log" 2>&1 &
listen_pid=$!
comes 'the second segment is listened to' grep -q 'Capturing' "$scratch/tshark.log"

ask() { in_ns "$1" python3 -B "$here/pxe_client.py" "${@:2}"; }

check 'the first segment is answered with its own address' ask one offer c0 52:54:00:91:00:0a --server 10.91.0.1 --file ipxe.efi
check 'the second, too' ask two offer c1 52:54:00:92:00:0a --server 10.92.0.1 --file ipxe.efi
check 'HTTP boot is given a URL of the address that was asked' ask two offer c1 52:54:00:92:00:0a --arch 16 --vendor HTTPClient \
  --server 10.92.0.1 --file http://10.92.0.1:9080/boot/ipxe.efi
# shellcheck disable=SC2016  # iPXE fills them in.
check 'iPXE is given its script' ask two offer c1 52:54:00:92:00:0a --ipxe \
  --server 10.92.0.1 --file 'http://10.92.0.1:9080/boot.ipxe?mac=52:54:00:92:00:0a&uuid=${uuid}&serial=${serial:uristring}'
check 'a machine without a task hears nothing' ask two silence c1 52:54:00:92:00:ff
check 'nor does what no loader is there for' ask two silence c1 52:54:00:92:00:0a --arch 11
check 'an operating system hears nothing' ask two silence c1 52:54:00:92:00:0a --arch none --vendor 'MSFT 5.0'
check 'port 4011 answers from port 4011' ask two boot-server c1 52:54:00:92:00:0a --address 10.92.0.10 --server 10.92.0.1
check 'TFTP says nothing to an address of nobody'"'"'s network' ask two tftp-silence c1 - --address 10.99.0.10 --server 10.92.0.1
check 'a relay is answered at its address, with its circuit' ask two relay c1 52:54:00:92:00:0a --address 10.92.0.10 --server 10.92.0.1
comes 'a boot of nobody is counted' in_ns server sh -c \
  "curl -fsS http://127.0.0.1:9472/metrics | grep -q 'tentacle_pxe_boot_attempts_total{outcome=\"told\"} [1-9]'"

# Bar B2: a DHCP server of somebody else's on the same host and segment.
printf 'authoritative; ping-check false; server-identifier 10.92.0.2; default-lease-time 600; subnet 10.92.0.0 netmask 255.255.255.0 { range 10.92.0.100 10.92.0.200; option routers 10.92.0.1; }\n' >"$scratch/dhcpd.conf"
ip -n "$tag-server" addr add 10.92.0.2/24 dev s1
touch "$scratch/dhcpd.leases"
ip netns exec "$tag-server" dhcpd -4 -f -d -q -cf "$scratch/dhcpd.conf" -lf "$scratch/dhcpd.leases" -pf "$scratch/dhcpd.pid" s1 >"$scratch/dhcpd.log" 2>&1 &
dhcpd_pid=$!
# shellcheck disable=SC2016  # udhcpc fills them in.
printf '#!/bin/sh\n[ "$1" != bound ] || echo "$serverid $ip $boot_file" >>%s\n' "$scratch/bound" >"$scratch/bound.sh"
chmod 755 "$scratch" "$scratch/bound.sh"
# udhcpc OPTION...: as an operating system asks.
leased() { in_ns two busybox udhcpc -i c1 -f -n -q -t 5 -T 2 -s "$scratch/bound.sh" "$@"; }
comes 'a DHCP server answers beside us' leased
check 'twenty machines that boot take the address of the one and the file of the other' ask two lease c1 52:54:00:92:01:10 \
  --server 10.92.0.1 --file ipxe.efi --dhcp 10.92.0.2
# serverid, address, and no boot file.
leases_are_its_own() { ! grep -v '^10\.92\.0\.2 10\.92\.0\.1[0-9][0-9] $' "$scratch/bound"; }
check 'an operating system has its lease of that server alone' leases_are_its_own
kill -TERM "$dhcpd_pid"; wait "$dhcpd_pid" 2>/dev/null || true; dhcpd_pid=
ip -n "$tag-server" addr del 10.92.0.2/24 dev s1

web() { in_ns two curl -sS --max-time 20 "$@"; }
# Bar C3: what the kernel was asked to open while names came that lead elsewhere, by TFTP and by HTTP.
ln -s ../../tasks "$boot/folder"
ln -s /etc/passwd "$boot/link"
strace -f -y -q -e trace=open,openat,openat2,creat -o "$scratch/opened" -p "$service_pid" 2>"$scratch/strace.log" &
strace_pid=$!
traced() { [ "$(awk '$1 == "TracerPid:" { print $2 }' "/proc/$service_pid/status")" = "$strace_pid" ]; }
comes 'the service is looked at' traced
outside() {
  local name
  for name in ../../tasks/52-54-00-92-00-0a.json /etc/passwd //etc/passwd ....//....//etc/passwd '..\..\tasks' %2e%2e/%2e%2e/pxe/db/CURRENT \
    folder/52-54-00-92-00-0a.json link secureboot/../../../tasks EFI/../../link; do
    ! in_ns two curl -sf --max-time 5 --path-as-is "tftp://10.92.0.1/$name" || return 1
    ! in_ns two curl -sf --max-time 5 --path-as-is "http://10.92.0.1:9080/boot/$name" || return 1
  done
  web -f -o /dev/null http://10.92.0.1:9080/boot/secureboot/grubx64.efi
}
check 'names that lead elsewhere get nothing' outside
kill -INT "$strace_pid"; wait "$strace_pid" 2>/dev/null || true; strace_pid=
# What was opened stands behind the call, as a path.
opened_inside() {
  sed -n 's/^.* = [0-9]*<\(.*\)>$/\1/p' "$scratch/opened" | sort -u
  grep -q "= [0-9]*<$boot/secureboot/grubx64.efi>" "$scratch/opened" &&
    ! sed -n 's/^.* = [0-9]*<\(.*\)>$/\1/p' "$scratch/opened" | grep -v "^$boot\(/\|\$\)" | grep -v '^/proc/[0-9]*/'
}
check 'and nothing outside the boot folder was opened' opened_inside
check 'the service is fenced in: what it executes would gain nothing' grep -qx 'NoNewPrivs:	1' "/proc/$service_pid/status"
rm "$boot/folder" "$boot/link"

# Bar D2: ranges, HEAD and files above 4 GiB.
truncate -s 5G "$boot/sparse.img"
printf 'the very end' | dd of="$boot/sparse.img" bs=1 seek=$((5 * 1024 * 1024 * 1024 - 12)) conv=notrunc status=none
length() { web -I "http://10.92.0.1:9080/boot/$1" | tr -d '\r' | grep -qx "Content-Length: $2"; }
check 'HEAD tells the length of a file of 5 GiB' length sparse.img 5368709120
end_of() { [ "$(web -r 5368709108- "http://10.92.0.1:9080/boot/sparse.img")" = 'the very end' ]; }
check 'and its last octets can be asked for' end_of
check 'two hundred ranges are answered as the RFC says' in_ns two python3 -B "$here/range_client.py" 10.92.0.1 9080 /boot/ipxe.efi "$boot/ipxe.efi"
if command -v nginx >/dev/null; then
  mkdir -p "$scratch/nginx"
  printf 'daemon off; pid %s/nginx/pid; error_log %s/nginx/error; events {} http { access_log off; server { listen 10.92.0.1:9090; root %s; location /boot/ { alias %s/; } } }\n' \
    "$scratch" "$scratch" "$scratch" "$boot" >"$scratch/nginx/conf"
  chmod 755 "$scratch" "$scratch/state" "$scratch/state/cache" "$boot"
  ip netns exec "$tag-server" nginx -p "$scratch/nginx" -c "$scratch/nginx/conf" >"$scratch/nginx/out" 2>&1 &
  nginx_pid=$!
  comes 'nginx serves the same folder' web -f -o /dev/null http://10.92.0.1:9090/boot/ipxe.efi
  check 'two hundred ranges are answered as nginx answers them' in_ns two python3 -B "$here/range_client.py" 10.92.0.1 9080 /boot/ipxe.efi "$boot/ipxe.efi" --beside 9090
  kill -TERM "$nginx_pid"; wait "$nginx_pid" 2>/dev/null || true; nginx_pid=
else
  echo '# nginx is not installed: ranges are compared with the RFC alone'
fi

get() {  # get NAMESPACE SERVER FILE OPTION...: with atftp
  local name=$1 server=$2 file=$3
  shift 3
  rm -f "$scratch/got"
  in_ns "$name" atftp "$@" --get --remote-file "$file" --local-file "$scratch/got" "$server" 69 && cmp "$scratch/got" "$boot/$file"
}
hpa() {  # hpa FILE [AS]
  rm -f "$scratch/got"
  in_ns two tftp -m binary 10.92.0.1 -c get "$1" "$scratch/got" && cmp "$scratch/got" "$boot/${2:-$1}"
}
check 'tftp-hpa fetches 100 MB in blocks of 512: the number rolls over' hpa large.efi
check 'a name of shim is found beside the others' hpa '\EFI\BOOT\grubx64.efi' secureboot/grubx64.efi
check 'atftp fetches with a window' get two 10.92.0.1 large.efi --option 'blksize 1428' --option 'windowsize 16'
check 'atftp fetches with the largest block and window it knows' get two 10.92.0.1 large.efi --option 'blksize 65464' --option 'windowsize 64'
autoexec() { in_ns two tftp -m binary 10.92.0.1 -c get autoexec.ipxe "$scratch/got" && grep -q 'iseq .*52:54:00:92:00:0a' "$scratch/got"; }
check 'autoexec.ipxe is the machine'"'"'s own' autoexec

# curl takes an OACK that comes again for what it is; atftp gives up.
over_wire() {
  rm -f "$scratch/got"
  in_ns one curl -sS --max-time 60 --tftp-blksize 1428 -o "$scratch/got" "tftp://10.91.0.1/$1" && cmp "$scratch/got" "$boot/$1"
}
start_wire loss=0.01 seed=3
check '1 MB at 1 % loss' over_wire ipxe.efi
start_wire loss=0.05 dup=0.01 reorder=0.02 delay_ms=2 jitter_ms=1 seed=5
check '1 MB at 5 % loss with doubles and another order' over_wire ipxe.efi

kill -TERM "$listen_pid"; wait "$listen_pid" 2>/dev/null || true; listen_pid=
wellformed() { [ "$(tshark -r "$scratch/two.pcap" -Y 'dhcp && ip.src == 10.92.0.1' 2>/dev/null | wc -l)" -ge 5 ] &&
  [ -z "$(tshark -r "$scratch/two.pcap" -Y 'dhcp && ip.src == 10.92.0.1 && (_ws.malformed || _ws.expert.severity == error)' 2>/dev/null)" ]; }
check 'Wireshark finds nothing wrong with our answers' wellformed
# Bar B4: a flood of rubbish keeps no machine from its offer, and fills no log.
sample() { in_ns server curl -fsS --max-time 10 http://127.0.0.1:9472/metrics | awk -v name="$1" 'index($0, name) == 1 { n += $2 } END { print n + 0 }'; }
lines=$(wc -l <"$scratch/log")
in_ns two "$packet_flood" garbage 10.92.0.1 20000 200000 7 67 4011 >"$scratch/flood" &
flood_pid=$!
check 'in a flood of rubbish twenty machines are offered their loader' ask two crowd c1 52:54:00:92:01:10 --server 10.92.0.1 --file ipxe.efi
check 'the flood comes to its end' wait "$flood_pid"
flood_pid=
rubbish_is_counted() { [ "$(sample tentacle_pxe_dhcp_drops_total)" -ge 1000 ]; }
check 'what was rubbish is counted' rubbish_is_counted
unanswered() { cat "$scratch/flood"; grep -q ' answers 0 ' "$scratch/flood"; }
check 'none of it was answered' unanswered
# Two lines for each machine, and one a second at most about strangers.
log_is_short() { tail -n "+$((lines + 1))" "$scratch/log" | head -n 5; [ $(($(wc -l <"$scratch/log") - lines)) -le 120 ]; }
check 'the log has a line for each machine, not for each packet' log_is_short

# Bar C5: requests of which nobody acknowledges an answer.
in_ns two "$packet_flood" requests 10.92.0.1 5000 20000 9 10.92.0.20 20 >"$scratch/flood" &
flood_pid=$!
check 'meanwhile a machine fetches its loader' get two 10.92.0.1 ipxe.efi --option 'blksize 1428'
check 'the flood of requests comes to its end' wait "$flood_pid"
flood_pid=
little_came_back() { cat "$scratch/flood"; awk '{ exit !($2 == 20000 && $8 <= 10 * $4) }' "$scratch/flood"; }
check 'less than ten times what was asked with came back' little_came_back
sessions_are_few() { [ "$(sample tentacle_pxe_tftp_sessions)" -le 80 ]; }
check 'four transfers of an address at most are half open' sessions_are_few
no_session() { [ "$(sample tentacle_pxe_tftp_sessions)" = 0 ]; }
comes 'and they are given up' no_session

code=0
kill -TERM "$service_pid"; wait "$service_pid" || code=$?; service_pid=
check 'the service ends in order' [ $code = 0 ]
