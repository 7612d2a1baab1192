# shellcheck shell=dash
# Which disk is meant. Nothing here writes; everything comes from /sys, so tests can show it
# another.

SYS=${SYS:-/sys}
SECTOR_BYTES=512   # The unit of /sys/block/*/size, whatever the disk's own sector is.

# list_disks: the names of the disks that can be meant: real, writable, not removable, not on USB.
list_disks() {
  for disk_dir in "$SYS"/block/*; do
    # Loop devices, RAM disks and the like have no device behind them.
    [ -e "$disk_dir/device" ] || continue
    disk_name=${disk_dir##*/}
    case $disk_name in
      sr* | fd* | mtd* | nbd*) continue ;;
    esac
    [ "$(disk_attribute "$disk_name" removable)" != 1 ] || continue
    [ "$(disk_attribute "$disk_name" ro)" != 1 ] || continue
    [ "$(disk_size "$disk_name")" -gt 0 ] || continue
    # An external USB disk calls itself not removable. It is never the system disk of a machine
    # that is installed unattended, unless the orders name it by path.
    case $(readlink -f "$disk_dir") in
      */usb[0-9]*) continue ;;
    esac
    printf '%s\n' "$disk_name"
  done
}

disk_attribute() {
  [ -r "$SYS/block/$1/$2" ] || return 0
  tr -d '\000' <"$SYS/block/$1/$2"
}

# disk_size NAME: bytes.
disk_size() {
  disk_sectors=$(disk_attribute "$1" size)
  is_number "$disk_sectors" || disk_sectors=0
  echo $((disk_sectors * SECTOR_BYTES))
}

# disk_serial NAME: virtio has it beside the disk, NVMe behind `device`, SCSI and ATA in the vital
# product data page 0x80 (SPC-4, 7.8.15), whose first four bytes are a header.
disk_serial() {
  for serial_file in serial device/serial; do
    if [ -r "$SYS/block/$1/$serial_file" ]; then
      trimmed "$(disk_attribute "$1" "$serial_file")"
      return 0
    fi
  done
  if [ -r "$SYS/block/$1/device/vpd_pg80" ]; then
    trimmed "$(tail -c +5 "$SYS/block/$1/device/vpd_pg80" | tr -d '\000')"
  fi
}

trimmed() {
  printf '%s' "$1" | tr -d '\n' | sed -e 's/^[ ]*//' -e 's/[ ]*$//'
}

# describe_disks: for people: "vda (3221225472 bytes, serial abc)", with commas between.
describe_disks() {
  described=
  for described_name in $(list_disks); do
    described_serial=$(disk_serial "$described_name")
    described="$described${described:+, }$described_name ($(disk_size "$described_name") bytes"
    described="$described, serial ${described_serial:-unknown})"
  done
  printf '%s' "${described:-none}"
}

# choose_disk: sets DISK to the name (without /dev/) that the orders mean. Returns 1 and sets
# DISK_REASON to a sentence when no disk, or more than one, can be meant.
choose_disk() {
  DISK='' DISK_REASON=''
  if [ -n "$DISK_PATH" ]; then
    choose_by_path
  elif [ -n "$DISK_SERIAL" ]; then
    choose_by_serial
  else
    choose_only_disk
  fi
  [ -n "$DISK_REASON" ] || check_size
  [ -z "$DISK_REASON" ] || { DISK=''; return 1; }
}

choose_by_path() {
  chosen=${DISK_PATH#/dev/}
  case $chosen in
    '' | *[!a-z0-9]*)
      DISK_REASON="the disk $DISK_PATH is not a path like /dev/sda"
      return 0
      ;;
  esac
  if [ ! -e "$SYS/block/$chosen/device" ]; then
    DISK_REASON="the disk $DISK_PATH is not in this machine; it has: $(describe_disks)"
  elif [ "$(disk_attribute "$chosen" ro)" = 1 ]; then
    DISK_REASON="the disk $DISK_PATH can only be read"
  elif [ -n "$DISK_SERIAL" ] && [ "$(disk_serial "$chosen")" != "$DISK_SERIAL" ]; then
    DISK_REASON="the disk $DISK_PATH has the serial '$(disk_serial "$chosen")',"
    DISK_REASON="$DISK_REASON not '$DISK_SERIAL' as ordered"
  else
    DISK=$chosen
  fi
}

choose_by_serial() {
  matching=
  for candidate in $(list_disks); do
    [ "$(disk_serial "$candidate")" != "$DISK_SERIAL" ] ||
      matching="$matching${matching:+ }$candidate"
  done
  case $matching in
    '') DISK_REASON="no disk has the serial '$DISK_SERIAL'; this machine has: $(describe_disks)" ;;
    *' '*) DISK_REASON="several disks have the serial '$DISK_SERIAL': $matching" ;;
    *) DISK=$matching ;;
  esac
}

choose_only_disk() {
  candidates=$(list_disks)
  case $candidates in
    '') DISK_REASON='this machine has no disk that could be meant' ;;
    *"$NEWLINE"*)
      DISK_REASON="this machine has several disks and the orders name none: $(describe_disks)"
      ;;
    *) DISK=$candidates ;;
  esac
}

check_size() {
  needed=${DISK_MIN_SIZE:-0}
  [ "${UNPACKED_SIZE:-0}" -le "$needed" ] || needed=$UNPACKED_SIZE
  if [ "$(disk_size "$DISK")" -lt "$needed" ]; then
    DISK_REASON="the disk $DISK is too small: it has $(disk_size "$DISK") bytes,"
    DISK_REASON="$DISK_REASON $needed are needed"
  fi
}

# settle_disks: drivers find disks one after the other, and "the only disk" must not be the first of
# two. Waits until the list has been the same for three seconds, ten more while it is empty.
settle_disks() {
  settle_last=- settle_same=0 settle_tries=0
  while [ "$settle_same" -lt 3 ] && [ "$settle_tries" -lt 30 ]; do
    settle_list=$(list_disks)
    settle_tries=$((settle_tries + 1))
    if [ "$settle_list" = "$settle_last" ] && { [ -n "$settle_list" ] || [ $settle_tries -gt 10 ]; }
    then
      settle_same=$((settle_same + 1))
    else
      settle_same=0
      settle_last=$settle_list
    fi
    [ "$settle_same" -ge 3 ] || sleep 1
  done
}

# ext4_label FILE_OR_DEVICE: the label of an ext4 file system: magic 0xef53 at byte 1080, label in
# 16 bytes at 1144. Prints nothing for anything else.
ext4_label() {
  ext4_magic=$(dd if="$1" bs=1 skip=1080 count=2 2>/dev/null | hexdump -v -e '2/1 "%02x"')
  [ "$ext4_magic" = 53ef ] || return 0
  dd if="$1" bs=1 skip=1144 count=16 2>/dev/null | tr -d '\000'
}

# find_root_partition NAME: the partition of this disk labelled `root`; never one of another disk.
find_root_partition() {
  for partition_dir in "$SYS/block/$1/$1"*; do
    [ -e "$partition_dir/partition" ] || continue
    if [ "$(ext4_label "/dev/${partition_dir##*/}")" = root ]; then
      printf '/dev/%s\n' "${partition_dir##*/}"
      return 0
    fi
  done
  return 1
}
