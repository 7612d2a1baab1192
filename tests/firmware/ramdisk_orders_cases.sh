#!/bin/sh
# shellcheck shell=dash
# shellcheck disable=SC1091,SC2034,SC2154
# Orders, choice of the disk, configuration of the new system. Run by ramdisk_functions_test.sh.
. "$HERE/ramdisk_cases.sh"

# ---------------------------------------------------------------- orders


orders_are_read_whole() {
  { good_orders; printf 'ssh_key ssh-ed25519 AAAA one\nssh_key ssh-rsa BBBB two words\nlocale de_DE.UTF-8'; } \
    >"$WORK/orders"
  accepts parse_orders <"$WORK/orders"
  accepts check_orders 52:54:00:aa:00:01
  same task t-1 "$TASK_ID"
  same 'last line without its end' de_DE.UTF-8 "$LOCALE"
  same keys "ssh-ed25519 AAAA one
ssh-rsa BBBB two words" "$SSH_KEYS"
}

values_are_never_evaluated() {
  {
    good_orders
    printf '%s\n' "ssh_key \$(touch $WORK/evil) \`touch $WORK/evil\`; touch $WORK/evil" \
      "zzz_unknown \$(touch $WORK/evil)" "PATH /nowhere" "timezone ../../etc/\$(touch $WORK/evil)"
  } >"$WORK/orders"
  accepts parse_orders <"$WORK/orders"
  accepts check_orders 52:54:00:aa:00:01
  TARGET=$WORK/target
  mkdir -p "$TARGET/etc/default"
  accepts configure_target
  refuses test -e "$WORK/evil"
  same path "$WORK/bin" "$PATH"
}

orders_of_another_machine_are_refused() {
  good_orders >"$WORK/orders"
  parse_orders <"$WORK/orders"
  refuses check_orders 52:54:00:aa:00:02
  holds reason "$ORDERS_REASON" 'are for the machine 52:54:00:aa:00:01'
}

# one_bad KEY VALUE PART-OF-THE-REASON
one_bad() {
  { good_orders | grep -v "^$1 "; printf '%s %s\n' "$1" "$2"; } >"$WORK/orders"
  accepts parse_orders <"$WORK/orders"
  refuses check_orders 52:54:00:aa:00:01
  holds "$1" "$ORDERS_REASON" "$3"
}

insane_orders_are_refused_by_name() {
  one_bad hostname 'web;reboot' hostname
  one_bad hostname '-web' hostname
  one_bad image_url 'https://10.0.0.1/x' image_url
  one_bad image_url 'file:///etc/passwd' image_url
  one_bad image_sha256 "${SHA}a" SHA-256
  one_bad image_size_bytes 12x4 'how large'
  one_bad image_size_bytes 99999999999999999999 'how large'
  one_bad image_format qcow2 qcow2
  one_bad unpacked_size_bytes -1 'not a number'
  one_bad net_dhcp maybe DHCP
  one_bad callback_url 'ftp://x/' report
  one_bad callback_token 'a b' report
}

static_network_is_checked() {
  { good_orders | sed 's/net_dhcp yes/net_dhcp no/'; printf 'net_address 10.0.0.300\nnet_prefix 24\n'; } \
    >"$WORK/orders"
  parse_orders <"$WORK/orders"
  refuses check_orders 52:54:00:aa:00:01
  holds reason "$ORDERS_REASON" address
}

a_line_without_a_value_is_refused() {
  printf 'task_id\n' >"$WORK/orders"
  refuses parse_orders <"$WORK/orders"
  holds reason "$ORDERS_REASON" 'without a value'
  printf 'hostname a\001b\n' >"$WORK/orders"
  refuses parse_orders <"$WORK/orders"
  holds reason "$ORDERS_REASON" 'control character'
}

addresses_are_told_from_text() {
  for good in 0.0.0.0 10.77.0.2 255.255.255.255; do accepts is_ipv4 $good; done
  for bad in '' 1.2.3 1.2.3.4.5 1..2.3 256.1.1.1 1.2.3.4. a.b.c.d 1.2.3.1234; do
    refuses is_ipv4 "$bad"
  done
}

# ---------------------------------------------------------------- disks

# a_disk NAME MIB REMOVABLE [SERIAL]
a_disk() {
  mkdir -p "$SYS/block/$1/device"
  echo $(($2 * 2048)) >"$SYS/block/$1/size"
  echo "$3" >"$SYS/block/$1/removable"
  echo 0 >"$SYS/block/$1/ro"
  [ -z "${4-}" ] || printf '%s\n' "$4" >"$SYS/block/$1/serial"
}

the_only_disk_is_meant() {
  orders_clear
  a_disk vda 3072 0 abc
  a_disk sr0 700 1
  a_disk sdb 8000 1             # a card reader
  a_disk sdc 0 0                # an empty slot
  mkdir -p "$SYS/block/loop0"   # no device behind it
  echo 100 >"$SYS/block/loop0/size"
  accepts choose_disk
  same disk vda "$DISK"
}

a_disk_on_usb_is_not_the_system_disk() {
  orders_clear
  a_disk nvme0n1 3072 0
  mkdir -p "$SYS/devices/pci0000:00/usb2/2-1/block"
  a_disk sda 64000 0
  mv "$SYS/block/sda" "$SYS/devices/pci0000:00/usb2/2-1/block/sda"
  ln -s "$SYS/devices/pci0000:00/usb2/2-1/block/sda" "$SYS/block/sda"
  accepts choose_disk
  same disk nvme0n1 "$DISK"
}

several_disks_without_a_word_are_refused() {
  orders_clear
  a_disk sda 3072 0 one
  a_disk sdb 3072 0 two
  refuses choose_disk
  same disk '' "$DISK"
  holds reason "$DISK_REASON" 'several disks'
  holds reason "$DISK_REASON" 'sdb (3221225472 bytes, serial two)'
}

no_disk_is_refused() {
  orders_clear
  refuses choose_disk
  holds reason "$DISK_REASON" 'no disk'
}

the_serial_picks_among_several() {
  orders_clear
  a_disk vda 3072 0 one
  a_disk vdb 3072 0 ' two '
  DISK_SERIAL=two
  accepts choose_disk
  same disk vdb "$DISK"
  DISK_SERIAL=three
  refuses choose_disk
  holds reason "$DISK_REASON" "no disk has the serial 'three'"
}

the_serial_of_scsi_is_in_page_80() {
  orders_clear
  a_disk sda 3072 0
  printf '\000\200\000\010  S3RIAL' >"$SYS/block/sda/device/vpd_pg80"
  same serial S3RIAL "$(disk_serial sda)"
}

path_and_serial_must_agree() {
  orders_clear
  a_disk sda 3072 0 one
  DISK_PATH=/dev/sda DISK_SERIAL=one
  accepts choose_disk
  DISK_SERIAL=two
  refuses choose_disk
  holds reason "$DISK_REASON" "not 'two' as ordered"
  DISK_PATH=/dev/sdz
  refuses choose_disk
  holds reason "$DISK_REASON" 'not in this machine'
  DISK_PATH=/dev/../etc
  refuses choose_disk
  holds reason "$DISK_REASON" 'not a path'
}

a_disk_too_small_is_refused() {
  orders_clear
  a_disk vda 1000 0
  UNPACKED_SIZE=$((1000 * 1024 * 1024))
  accepts choose_disk
  DISK_MIN_SIZE=$((1000 * 1024 * 1024 + 1))
  refuses choose_disk
  holds reason "$DISK_REASON" 'too small: it has 1048576000 bytes, 1048576001 are needed'
  DISK_MIN_SIZE='' UNPACKED_SIZE=$((1001 * 1024 * 1024))
  refuses choose_disk
}

the_label_of_ext4_is_read() {
  truncate -s 1M "$WORK/fs"
  same 'no file system' '' "$(ext4_label "$WORK/fs")"
  printf '\123\357' | dd of="$WORK/fs" bs=1 seek=1080 conv=notrunc 2>/dev/null
  printf 'root' | dd of="$WORK/fs" bs=1 seek=1144 conv=notrunc 2>/dev/null
  same label root "$(ext4_label "$WORK/fs")"
}

# ---------------------------------------------------------------- configuration

the_new_system_gets_its_name_and_network() {
  TARGET=$WORK/target
  rm -rf "$TARGET"
  mkdir -p "$TARGET/etc/default" "$TARGET/root" "$TARGET/usr/share/zoneinfo/Europe"
  : >"$TARGET/usr/share/zoneinfo/Europe/Berlin"
  {
    good_orders | sed 's/net_dhcp yes/net_dhcp no/'
    printf 'net_address 10.1.2.3\nnet_prefix 24\nnet_gateway 10.1.2.1\nnet_dns 10.1.2.5\nnet_dns 10.1.2.6\n'
    printf 'ssh_key ssh-ed25519 AAAA me\ntimezone Europe/Berlin\nlocale en_US.UTF-8\n'
  } >"$WORK/orders"
  parse_orders <"$WORK/orders"
  accepts check_orders 52:54:00:aa:00:01
  accepts configure_target
  same hostname web-01.branch.example "$(cat "$TARGET/etc/hostname")"
  holds hosts "$(cat "$TARGET/etc/hosts")" "127.0.1.1	web-01.branch.example	web-01"
  same network "[Match]
MACAddress=52:54:00:aa:00:01

[Network]
Address=10.1.2.3/24
Gateway=10.1.2.1
DNS=10.1.2.5
DNS=10.1.2.6" "$(cat "$TARGET/etc/systemd/network/10-octofleet.network")"
  same resolver "nameserver 10.1.2.5
nameserver 10.1.2.6" "$(cat "$TARGET/etc/resolv.conf")"
  same keys 600 "$(stat -c %a "$TARGET/root/.ssh/authorized_keys")"
  same 'folder of keys' 700 "$(stat -c %a "$TARGET/root/.ssh")"
  same callback 600 "$(stat -c %a "$TARGET/etc/octofleet/callback")"
  same 'callback lines' "url http://10.77.0.2:9080/api/v1/provisioning/tasks/t-1/events
token tok.en" "$(cat "$TARGET/etc/octofleet/callback")"
  same timezone /usr/share/zoneinfo/Europe/Berlin "$(readlink "$TARGET/etc/localtime")"
}

run_cases orders_are_read_whole values_are_never_evaluated orders_of_another_machine_are_refused \
  insane_orders_are_refused_by_name static_network_is_checked a_line_without_a_value_is_refused \
  addresses_are_told_from_text the_only_disk_is_meant a_disk_on_usb_is_not_the_system_disk \
  several_disks_without_a_word_are_refused no_disk_is_refused the_serial_picks_among_several \
  the_serial_of_scsi_is_in_page_80 path_and_serial_must_agree a_disk_too_small_is_refused \
  the_label_of_ext4_is_read the_new_system_gets_its_name_and_network
