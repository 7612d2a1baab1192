# shellcheck shell=sh
# shellcheck disable=SC2154  # The lower-case names are set above this text by the tentacle, each in single quotes.
#
# What an installer of Debian, Ubuntu or Red Hat does for the tentacle. Runs under busybox ash, dash and bash:
#
#   booted           reports that the installer runs
#   disk             prints the one disk that may be written, or reports why there is none and fails
#   target ROOT      gives the new system below ROOT its keys, script and first report; then the last word
#   failed SENTENCE  reports a failure
#   stop             waits for ever: the sentence stays on the screen, and nothing is written
#   firstboot        on the new system: reports the first start, then removes itself

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
SYS=${SYS:-/sys}
TRIES=30

# A sentence for a page: what JSON would have to escape is left out.
plain() { printf '%s' "$1" | tr -cd 'A-Za-z0-9 ._:/()+=-'; }

# report EVENT SENTENCE: until the tentacle has it or refuses it, for some minutes at most.
report() {
  report_body="{\"event\":\"$1\",\"message\":\"$(plain "$2")\"}"
  report_try=0
  while [ $report_try -lt $TRIES ]; do
    report_status=$(post "$report_body")
    case $report_status in
      2??) return 0 ;;
      4??) return 1 ;;
    esac
    report_try=$((report_try + 1))
    sleep 5
  done
  return 1
}

# post BODY: prints the status of the answer; curl, bash or busybox nc does it, whichever is there.
post() {
  if command -v curl >/dev/null 2>&1; then
    curl -s -m 15 -o /dev/null -w '%{http_code}' -X POST -H 'Content-Type: application/json' \
      -H "Authorization: Bearer $callback_token" --data "$1" "http://$callback_host:$callback_port$callback_path"
  elif [ -n "${BASH_VERSION-}" ]; then
    post_bash "$1"
  else
    request "$1" | nc -w 15 "$callback_host" "$callback_port" | head -n 1 | cut -d' ' -f2
  fi 2>/dev/null
}

post_bash() {
  # shellcheck disable=SC3025
  exec 3<>"/dev/tcp/$callback_host/$callback_port" || return 1
  request "$1" >&3
  # shellcheck disable=SC3045
  read -r -t 15 _ post_status _ <&3
  exec 3>&-
  printf '%s' "$post_status"
}

request() {
  printf 'POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n' \
    "$callback_path" "$callback_host" "$callback_token"
  printf 'Content-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s' "${#1}" "$1"
}

# A disk that an installation may mean: fixed, not on USB, with a size.
is_fixed_disk() {
  case $1 in loop* | ram* | sr* | fd* | zram* | dm-* | md* | nbd*) return 1 ;; esac
  [ -e "$SYS/block/$1/device" ] || return 1
  read -r fixed_removable <"$SYS/block/$1/removable" 2>/dev/null || fixed_removable=0
  [ "$fixed_removable" = 0 ] || return 1
  [ "$(disk_size "$1")" -gt 0 ] || return 1
  case $(readlink -f "$SYS/block/$1") in */usb*) return 1 ;; esac
}

disk_size() {
  read -r size_sectors <"$SYS/block/$1/size" 2>/dev/null || size_sectors=0
  echo $((size_sectors * 512))
}

# Blanks around a serial are padding. SCSI says it in page 0x80, behind four octets.
serial_of() {
  for serial_file in "$SYS/block/$1/serial" "$SYS/block/$1/device/serial"; do
    [ -s "$serial_file" ] || continue
    tr -d ' \n' <"$serial_file"
    return
  done
  [ ! -s "$SYS/block/$1/device/vpd_pg80" ] ||
    dd if="$SYS/block/$1/device/vpd_pg80" bs=4 skip=1 2>/dev/null | tr -d ' \000'
}

# find_disk: sets DISK, or WHY.
find_disk() {
  DISK='' WHY='this machine has no disk that may be written'
  found=0
  for disk_dir in "$SYS"/block/*; do
    name=${disk_dir##*/}
    is_fixed_disk "$name" || continue
    [ -z "$disk_path" ] || [ "/dev/$name" = "$disk_path" ] || continue
    [ -z "$disk_serial" ] || [ "$(serial_of "$name")" = "$disk_serial" ] || continue
    found=$((found + 1))
    DISK=$name
  done
  if [ $found -eq 0 ]; then
    [ -z "$disk_path$disk_serial" ] || WHY="no disk is the one that the task means: $disk_path $disk_serial"
    return 1
  fi
  if [ $found -gt 1 ]; then
    WHY='several disks could be meant, and the task names none of them'
    return 1
  fi
  if [ "$(disk_size "$DISK")" -lt "$disk_min_size" ]; then
    WHY="the disk $DISK is too small: it has $(disk_size "$DISK") bytes, $disk_min_size are needed"
    return 1
  fi
}

# A lost answer costs nothing here: the installer goes on and reports again later.
do_booted() { report booted 'the installer runs' || true; }

do_disk() {
  if find_disk; then
    printf '/dev/%s\n' "$DISK"
    return 0
  fi
  report failed "$WHY"
  printf 'Octofleet: %s\n' "$WHY" >/dev/console 2>/dev/null || true
  return 1
}

do_target() {
  root=$1
  umask 022
  mkdir -p "$root/usr/local/lib/octofleet" "$root/etc/systemd/system/multi-user.target.wants" "$root/root"
  (
    umask 077
    mkdir -p "$root/etc/octofleet"
    printf 'url http://%s:%s%s\ntoken %s\n' "$callback_host" "$callback_port" "$callback_path" "$callback_token" \
      >"$root/etc/octofleet/callback"
    cp "$0" "$root/usr/local/lib/octofleet/install"
    if [ -n "$ssh_keys" ]; then
      mkdir -p "$root/root/.ssh"
      printf '%s\n' "$ssh_keys" >>"$root/root/.ssh/authorized_keys"
    fi
    if [ -n "$post_script" ]; then printf '%s\n' "$post_script" >"$root/usr/local/lib/octofleet/post-install"; fi
  ) || return 1
  cat >"$root/etc/systemd/system/octofleet-firstboot.service" <<'UNIT'
[Unit]
Description=Report the first start to the tentacle
Wants=network-online.target
After=network-online.target
ConditionPathExists=/etc/octofleet/callback

[Service]
Type=oneshot
ExecStart=/bin/bash /usr/local/lib/octofleet/install firstboot
TimeoutStartSec=infinity

[Install]
WantedBy=multi-user.target
UNIT
  ln -sf ../octofleet-firstboot.service "$root/etc/systemd/system/multi-user.target.wants/octofleet-firstboot.service"
  if [ -n "$post_script" ]; then chroot "$root" /bin/sh /usr/local/lib/octofleet/post-install || return 1; fi
  # A file made outside the running policy has no label; sshd would not read the keys.
  if [ -x "$root/sbin/restorecon" ]; then
    chroot "$root" /sbin/restorecon -RF /root/.ssh /etc/octofleet /usr/local/lib/octofleet /etc/systemd/system || true
  fi
  # From here on the tentacle leaves the machine to its disk, so this is the last word before the restart.
  report configuring 'the system is installed; restarting'
}

do_firstboot() {
  TRIES=120
  report firstboot "started from its own disk as $(cat /proc/sys/kernel/hostname)" || return 1
  report 'done' "Linux $(cat /proc/sys/kernel/osrelease) is up" || return 1
  # The token has served; the machine keeps no secret that it does not need.
  rm -rf /etc/octofleet/callback /usr/local/lib/octofleet
  rm -f /etc/systemd/system/multi-user.target.wants/octofleet-firstboot.service
}

case ${1-} in
  booted) do_booted ;;
  disk) do_disk ;;
  target) do_target "$2" ;;
  failed) report failed "$2" ;;
  stop) while :; do sleep 3600; done ;;
  firstboot) do_firstboot ;;
  *) exit 64 ;;
esac
