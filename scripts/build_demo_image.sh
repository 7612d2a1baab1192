#!/bin/bash
# Builds the demo's disk image: a real Debian 12 with systemd that starts by BIOS and by UEFI and
# reports its first start to the tentacle.
#
#   build_demo_image.sh [--force] OUT.raw.zst
#
# Beside OUT a file OUT.recipe holds the hash of this script; while it is the same, nothing is done.
# Root is needed for debootstrap's chroot; neither loop devices nor partitions of the host are used:
# the file systems are made as files and put in their places.
#
# Layout (GPT, MiB):  1-2 BIOS boot partition (GRUB's core)   2-18 EFI system partition   18- root
set -euo pipefail

SUITE=bookworm
MIRROR=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
DISK_MIB=1280
BIOS_START_MIB=1
ESP_START_MIB=2
ESP_MIB=16
ROOT_START_MIB=$((ESP_START_MIB + ESP_MIB))
ROOT_MIB=$((DISK_MIB - ROOT_START_MIB - 1))   # The last MiB is for the copy of the table.
PACKAGES=systemd,systemd-sysv,udev,dbus,kmod,iproute2,busybox-static,initramfs-tools,zstd
PACKAGES=$PACKAGES,linux-image-cloud-amd64,openssh-server,login,passwd
KERNEL_OPTIONS='root=LABEL=root ro console=tty0 console=ttyS0,115200 quiet'
SELF=$(readlink -f "$0")

say() { printf 'demo image: %s (%d s)\n' "$*" "$SECONDS"; }
fail() { printf 'demo image: %s\n' "$*" >&2; exit 1; }

main() {
  local force=no
  if [ "${1-}" = --force ]; then
    force=yes
    shift
  fi
  [ $# -eq 1 ] || fail 'usage: build_demo_image.sh [--force] OUT.raw.zst'
  [ "$(id -u)" = 0 ] || fail 'debootstrap needs root'
  mkdir -p "$(dirname "$1")"
  local out recipe
  out=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
  recipe=$(sha256sum <"$SELF" | cut -d' ' -f1)
  if [ $force = no ] && [ -s "$out" ] && [ "$(cat "$out.recipe" 2>/dev/null)" = "$recipe" ]; then
    say "$out is up to date"
    return 0
  fi
  check_tools
  # Beside the result, since /tmp may be a small tmpfs.
  WORK=$(mktemp -d "$(dirname "$out")/.demo-image.XXXXXX")
  ROOT=$WORK/root
  trap clean_up EXIT
  trap 'exit 130' INT TERM
  install_debian
  configure_debian
  add_first_boot_report
  slim_down
  make_root_file_system
  make_esp
  assemble_disk
  pack "$out"
  printf '%s\n' "$recipe" >"$out.recipe"
  say "done: $(stat -c %s "$out") bytes packed, $((DISK_MIB * 1024 * 1024)) unpacked"
}

check_tools() {
  local tool
  for tool in debootstrap sfdisk mke2fs mkfs.vfat mcopy grub-mkimage zstd; do
    command -v "$tool" >/dev/null || fail "$tool is missing"
  done
  [ -d /usr/lib/grub/i386-pc ] || fail 'the package grub-pc-bin is missing'
  [ -d /usr/lib/grub/x86_64-efi ] || fail 'the package grub-efi-amd64-bin is missing'
}

# debootstrap mounts proc and sys inside its chroot; after a failure they may still be there.
clean_up() {
  local mounted
  if [ -n "${WORK-}" ] && [ -d "$WORK" ]; then
    awk -v root="$WORK/" 'index($2, root) == 1 {print $2}' /proc/mounts | sort -r |
      while read -r mounted; do umount -l "$mounted" || true; done
    rm -rf --one-file-system "$WORK"
  fi
}

install_debian() {
  say "debootstrap of $SUITE from $MIRROR"
  mkdir -p "$ROOT/etc/initramfs-tools/conf.d"
  # Read while the kernel's package is configured: a small initramfs with what a server or a virtual
  # machine can start from, instead of everything.
  cat >"$ROOT/etc/initramfs-tools/conf.d/demo" <<'EOF'
MODULES=list
COMPRESS=zstd
EOF
  cat >"$ROOT/etc/initramfs-tools/modules" <<'EOF'
virtio_pci
virtio_blk
virtio_scsi
nvme
ahci
ata_piix
sd_mod
ext4
crc32c_generic
crc32c-intel
EOF
  # No manual pages, documents or translations: nobody reads them in the demo.
  mkdir -p "$ROOT/etc/dpkg/dpkg.cfg.d"
  cat >"$ROOT/etc/dpkg/dpkg.cfg.d/demo" <<'EOF'
path-exclude=/usr/share/man/*
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/info/*
EOF
  if ! DEBIAN_FRONTEND=noninteractive debootstrap --variant=minbase --include="$PACKAGES" \
    "$SUITE" "$ROOT" "$MIRROR" >"$WORK/debootstrap.log" 2>&1; then
    tail -n 30 "$WORK/debootstrap.log" >&2
    tail -n 20 "$ROOT/debootstrap/debootstrap.log" >&2 2>/dev/null || true
    fail 'debootstrap failed'
  fi
}

configure_debian() {
  say 'configuring'
  echo demo >"$ROOT/etc/hostname"
  cat >"$ROOT/etc/fstab" <<'EOF'
LABEL=root / ext4 errors=remount-ro,noatime 0 1
EOF
  # Empty, so that each machine makes its own at its first start.
  : >"$ROOT/etc/machine-id"
  rm -f "$ROOT/var/lib/dbus/machine-id" "$ROOT"/etc/ssh/ssh_host_*
  # The host keys are made at the first start; Ed25519 alone, since RSA takes long on a slow
  # machine.
  cat >"$ROOT/etc/ssh/sshd_config.d/demo.conf" <<'EOF'
HostKey /etc/ssh/ssh_host_ed25519_key
PasswordAuthentication no
EOF
  mkdir -p "$ROOT/etc/systemd/system/ssh.service.d"
  cat >"$ROOT/etc/systemd/system/ssh.service.d/host-key.conf" <<'EOF'
[Service]
ExecStartPre=
ExecStartPre=/bin/sh -c 'test -s /etc/ssh/ssh_host_ed25519_key || ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key'
ExecStartPre=/usr/sbin/sshd -t
EOF
  # The console shows who started; nobody can log in there, the root account has no password.
  printf 'Debian 12, installed by a tentacle: \\n \\l\n' >"$ROOT/etc/issue"
  run_systemctl enable systemd-networkd.service systemd-networkd-wait-online.service \
    serial-getty@ttyS0.service ssh.service
  run_systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
    e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-pstore.service man-db.timer
}

run_systemctl() {
  systemctl_root "$@" >/dev/null 2>&1 || fail "systemctl $* failed"
}

# The systemctl of the image itself: the host need not run systemd, nor have it.
systemctl_root() {
  chroot "$ROOT" systemctl "$@"
}

# What the contract asks of an installed system: post `firstboot`, then `done`, with the address and
# the token that the installer left.
add_first_boot_report() {
  mkdir -p "$ROOT/usr/local/lib/octofleet"
  cat >"$ROOT/usr/local/lib/octofleet/firstboot" <<'EOF'
#!/bin/busybox sh
# Tells the tentacle that this machine started from its own disk. Repeats for ten minutes, as the
# tentacle may be restarting; afterwards the next start tries again.
CALLBACK=/etc/octofleet/callback
PATIENCE_S=600

field() { sed -n "s/^$1 //p" "$CALLBACK" | head -n 1; }

now() { read -r uptime _ </proc/uptime; echo "${uptime%%.*}"; }

# post EVENT MESSAGE: 0 when the tentacle has it.
post() {
  until_s=$(($(now) + PATIENCE_S))
  pause=1
  until timeout 15 busybox wget -q -O /dev/null \
    --header "Authorization: Bearer $(field token)" --header 'Content-Type: application/json' \
    --post-data "{\"event\":\"$1\",\"message\":\"$2\"}" "$(field url)"; do
    [ "$(now)" -lt "$until_s" ] || return 1
    sleep "$pause"
    [ "$pause" -ge 10 ] || pause=$((pause * 2))
  done
}

post firstboot "started from its own disk as $(hostname)" || exit 1
post done "Debian $(cat /etc/debian_version) with Linux $(uname -r) is up" || exit 1
# The token has served; the machine keeps no secret it does not need.
rm -f "$CALLBACK"
systemctl disable octofleet-firstboot.service
echo 'octofleet: first start reported' >/dev/console
EOF
  sed -i '1s|/bin/busybox|/usr/bin/busybox|' "$ROOT/usr/local/lib/octofleet/firstboot"
  chmod 0755 "$ROOT/usr/local/lib/octofleet/firstboot"
  cat >"$ROOT/etc/systemd/system/octofleet-firstboot.service" <<'EOF'
[Unit]
Description=Report the first start to the tentacle
Wants=network-online.target
After=network-online.target
ConditionPathExists=/etc/octofleet/callback

[Service]
Type=oneshot
ExecStart=/usr/local/lib/octofleet/firstboot
TimeoutStartSec=infinity

[Install]
WantedBy=multi-user.target
EOF
  run_systemctl enable octofleet-firstboot.service
}

slim_down() {
  rm -rf "$ROOT"/var/cache/apt/archives/*.deb "$ROOT"/var/lib/apt/lists/* "$ROOT"/var/log/*.log \
    "$ROOT"/debootstrap "$ROOT"/usr/share/man/* "$ROOT"/usr/share/doc/* "$ROOT"/usr/share/locale/* \
    "$ROOT"/usr/share/info/* "${ROOT:?}"/dev/* "${ROOT:?}"/tmp/* "${ROOT:?}"/run/*
  # Names without a version: the boot loader's configuration stays true after a new kernel.
  [ -e "$ROOT/vmlinuz" ] || ln -s "$(cd "$ROOT" && echo boot/vmlinuz-*)" "$ROOT/vmlinuz"
  [ -e "$ROOT/initrd.img" ] || ln -s "$(cd "$ROOT" && echo boot/initrd.img-*)" "$ROOT/initrd.img"
}

# The configuration compiled into both boot loaders: no menu, no waiting, root found by its label.
write_grub_configuration() {
  cat >"$WORK/grub.cfg" <<EOF
search --no-floppy --label root --set=root
linux (\$root)/vmlinuz $KERNEL_OPTIONS
initrd (\$root)/initrd.img
boot
EOF
}

make_root_file_system() {
  say 'file systems'
  # GRUB 2.06 does not know the two newest features of e2fsprogs 1.47.
  mke2fs -q -t ext4 -L root -m 1 -O '^metadata_csum_seed,^orphan_file' \
    -E lazy_itable_init=0,lazy_journal_init=0 -d "$ROOT" "$WORK/root.ext4" "${ROOT_MIB}M" \
    >"$WORK/mke2fs.log" 2>&1 || {
    cat "$WORK/mke2fs.log" >&2
    fail 'mke2fs failed'
  }
}

make_esp() {
  write_grub_configuration
  grub-mkimage -O x86_64-efi -p /boot/grub -c "$WORK/grub.cfg" -o "$WORK/bootx64.efi" \
    part_gpt ext2 search search_label linux boot normal echo efi_gop
  truncate -s "${ESP_MIB}M" "$WORK/esp.fat"
  mkfs.vfat -n ESP "$WORK/esp.fat" >/dev/null
  mmd -i "$WORK/esp.fat" ::EFI ::EFI/BOOT
  # The removable path: firmware takes it without an entry in its own memory.
  mcopy -i "$WORK/esp.fat" "$WORK/bootx64.efi" ::EFI/BOOT/BOOTX64.EFI
}

assemble_disk() {
  DISK=$WORK/disk.raw
  truncate -s "${DISK_MIB}M" "$DISK"
  sfdisk -q "$DISK" <<EOF
label: gpt
unit: sectors
start=$((BIOS_START_MIB * 2048)), size=2048, type=21686148-6449-6E6F-744E-656564454649, name=bios
start=$((ESP_START_MIB * 2048)), size=$((ESP_MIB * 2048)), type=uefi, name=esp
start=$((ROOT_START_MIB * 2048)), size=$((ROOT_MIB * 2048)), type=linux, name=root
EOF
  dd if="$WORK/esp.fat" of="$DISK" bs=1M seek=$ESP_START_MIB conv=notrunc,sparse status=none
  dd if="$WORK/root.ext4" of="$DISK" bs=1M seek=$ROOT_START_MIB conv=notrunc,sparse status=none
  place_bios_boot_loader
}

# What grub-bios-setup does, without a block device. boot.img goes into the first 440 bytes of the
# disk and is told at 0x5c which sector holds the core; the core's first sector is told at 0x1f4
# where it goes on. At 0x66 two no-operations make it trust the drive number of the BIOS.
place_bios_boot_loader() {
  local core_sector=$((BIOS_START_MIB * 2048))
  grub-mkimage -O i386-pc -p /boot/grub -c "$WORK/grub.cfg" -o "$WORK/core.img" \
    biosdisk part_gpt ext2 search search_label linux boot normal echo
  [ "$(stat -c %s "$WORK/core.img")" -le $((1024 * 1024)) ] || fail 'the core of GRUB is too large'
  cp /usr/lib/grub/i386-pc/boot.img "$WORK/boot.img"
  little_endian_64 "$core_sector" | put_bytes "$WORK/boot.img" $((0x5c))
  printf '\x90\x90' | put_bytes "$WORK/boot.img" $((0x66))
  little_endian_64 $((core_sector + 1)) | put_bytes "$WORK/core.img" $((0x1f4))
  dd if="$WORK/boot.img" of="$DISK" bs=1 count=440 conv=notrunc status=none
  dd if="$WORK/core.img" of="$DISK" bs=512 seek="$core_sector" conv=notrunc status=none
}

little_endian_64() {
  local number=$1 byte
  for byte in 0 8 16 24 32 40 48 56; do
    # shellcheck disable=SC2059  # The format is the byte itself.
    printf "\\x$(printf %02x $((number >> byte & 255)))"
  done
}

put_bytes() {
  dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

pack() {
  say 'packing'
  # From a regular file, so that the frame's header holds the unpacked size.
  zstd -q -f -T0 -8 "$DISK" -o "$1.new"
  mv "$1.new" "$1"
}

main "$@"
