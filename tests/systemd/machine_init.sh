#!/bin/bash
# Becomes the first process of the machine of machine.sh, in namespaces that are already its own.
set -euo pipefail

FOLDER=$1
ROOT=$FOLDER/root
MEMORY=$FOLDER/memory

mount --make-rprivate /
mkdir "$MEMORY"
mount -t tmpfs -o size=2g,mode=755 tmpfs "$MEMORY"
mkdir "$MEMORY/written" "$MEMORY/work"
mount -t overlay -o "lowerdir=/,upperdir=$MEMORY/written,workdir=$MEMORY/work" overlay "$ROOT"
# Nothing of what this host starts, and no word of what it may run in itself: the machine is none of Docker's.
rm -rf "$ROOT"/etc/systemd/system/* "$ROOT/etc/machine-id" "$ROOT/.dockerenv"
cat >"$ROOT/etc/systemd/system/machine.target" <<'UNIT'
[Unit]
Requires=basic.target
Wants=dbus.service
After=basic.target dbus.service
AllowIsolate=yes
UNIT
# Nor what would change the kernel, which is this host's, or take the network in hand.
for unit in systemd-sysctl.service systemd-modules-load.service systemd-remount-fs.service systemd-firstboot.service \
  apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer man-db.timer systemd-networkd.service \
  systemd-timesyncd.service systemd-udevd.service; do
  ln -s /dev/null "$ROOT/etc/systemd/system/$unit"
done
[ ! -d "$FOLDER/files" ] || cp -r "$FOLDER/files/." "$ROOT/"

mount -t proc proc "$ROOT/proc"
mount -t sysfs -o ro sysfs "$ROOT/sys"
mount -t cgroup2 cgroup2 "$ROOT/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$ROOT/dev"
for device in null zero full random urandom tty; do
  touch "$ROOT/dev/$device"
  mount --bind "/dev/$device" "$ROOT/dev/$device"
done
mkdir "$ROOT/dev/pts" "$ROOT/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts "$ROOT/dev/pts"
ln -s pts/ptmx "$ROOT/dev/ptmx"
mount -t tmpfs -o mode=755 tmpfs "$ROOT/run"
hostname the-branch
cd "$ROOT"
mkdir -p .old
pivot_root . .old
umount -l /.old
exec env -i /lib/systemd/systemd --log-target=console --unit=machine.target
