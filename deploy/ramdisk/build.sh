#!/bin/bash
# Builds the installer's ramdisk from Debian's packages: OUTDIR/vmlinuz and OUTDIR/initrd.img.
#
# Nothing is installed and nothing of the running system is changed: the kernel's package is
# downloaded and unpacked beside, busybox and zstd are copied from their installed packages. A
# second call with the same recipe does nothing.
#
#   build.sh [--force] OUTDIR
#
# Needs: apt-get (lists updated), dpkg-deb, busybox-static, zstd, cpio.
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
KERNEL_METAPACKAGE=linux-image-amd64
COMPRESSION=-19   # Built once, fetched by every machine; unpacking is as fast as with less.

say() { printf 'ramdisk: %s\n' "$*"; }
fail() { printf 'ramdisk: %s\n' "$*" >&2; exit 1; }

main() {
  local force=no
  if [ "${1-}" = --force ]; then
    force=yes
    shift
  fi
  [ $# -eq 1 ] || fail 'usage: build.sh [--force] OUTDIR'
  mkdir -p "$1"
  local out recipe
  out=$(cd "$1" && pwd)
  recipe=$(recipe_hash)
  if [ $force = no ] && [ -s "$out/vmlinuz" ] && [ -s "$out/initrd.img" ] &&
    [ "$(cat "$out/recipe" 2>/dev/null)" = "$recipe" ]; then
    say "$out is up to date"
    return 0
  fi
  check_tools
  WORK=$(mktemp -d)
  trap 'rm -rf "$WORK"' EXIT
  unpack_kernel
  collect_modules
  collect_programs
  collect_installer
  pack "$out"
  printf '%s\n' "$recipe" >"$out/recipe"
  say "kernel $VERSION, initrd.img $(stat -c %s "$out/initrd.img") bytes, in $SECONDS s"
}

# The recipe is every file that goes in; the packages' versions are those of the day of the build.
recipe_hash() {
  (
    cd "$HERE"
    cat build.sh init udhcpc.script modules.list lib/*.sh | sha256sum | cut -d' ' -f1
  )
}

check_tools() {
  local tool
  for tool in apt-get apt-cache dpkg-deb busybox zstd cpio ldd; do
    command -v "$tool" >/dev/null || fail "$tool is missing"
  done
  BUSYBOX=$(command -v busybox)
  # The dynamic busybox of the package `busybox` would want a libc that is not there.
  if ldd "$BUSYBOX" >/dev/null 2>&1; then
    fail "$BUSYBOX is not static; the package busybox-static is needed"
  fi
}

# unpack_kernel: sets KERNEL (a folder) and VERSION.
unpack_kernel() {
  local package
  package=$(apt-cache depends "$KERNEL_METAPACKAGE" |
    sed -n 's/^ *Depends: \(linux-image-.*\)$/\1/p' | head -n 1)
  [ -n "$package" ] || fail "apt knows no $KERNEL_METAPACKAGE; run apt-get update first"
  say "fetching $package"
  (cd "$WORK" && apt-get -q -o APT::Sandbox::User=root download "$package" >/dev/null)
  KERNEL=$WORK/kernel
  dpkg-deb -x "$WORK/${package}"_*.deb "$KERNEL"
  rm -f "$WORK/${package}"_*.deb
  VERSION=$(ls "$KERNEL/lib/modules")
  # The same sources give the same bytes: every file gets the time of the kernel's build.
  SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(stat -c %Y "$KERNEL/boot/vmlinuz-$VERSION")}
}

# collect_modules: those of modules.list and, through modules.dep, whatever they need.
collect_modules() {
  ROOT=$WORK/root
  local all=$KERNEL/lib/modules/$VERSION to=$ROOT/lib/modules/$VERSION name path
  busybox depmod -b "$KERNEL" "$VERSION"
  mkdir -p "$to"
  grep -v -e '^#' -e '^$' "$HERE/modules.list" | while read -r name; do
    path=$(grep -E "(^|/)${name//[-_]/[-_]}\\.ko:" "$all/modules.dep" || true)
    if [ -n "$path" ]; then
      printf '%s\n' "$path" | tr -d ':' | tr ' ' '\n'
    elif ! grep -qE "/${name//[-_]/[-_]}\\.ko$" "$all/modules.builtin"; then
      fail "the kernel $VERSION has no module $name"
    fi
  done | sort -u >"$WORK/modules"
  [ -s "$WORK/modules" ] || exit 1
  while read -r path; do
    mkdir -p "$to/$(dirname "$path")"
    cp "$all/$path" "$to/$path"
  done <"$WORK/modules"
  cp "$all"/modules.builtin "$all"/modules.order "$to/"
  busybox depmod -b "$ROOT" "$VERSION"
}

# collect_programs: busybox with a link for each of its names, and zstd with its libraries.
collect_programs() {
  local name library
  mkdir -p "$ROOT"/{bin,sbin,dev,proc,sys,run,tmp,lib,lib64,target,usr/bin,usr/sbin}
  cp "$BUSYBOX" "$ROOT/bin/busybox"
  for name in $("$BUSYBOX" --list); do
    [ "$name" = busybox ] || ln -s busybox "$ROOT/bin/$name"
  done
  # The kernel itself calls this path when it wants a module (ext4 asks for crypto-crc32c).
  ln -s ../bin/busybox "$ROOT/sbin/modprobe"
  cp "$(readlink -f "$(command -v zstd)")" "$ROOT/usr/bin/zstd"
  ldd "$ROOT/usr/bin/zstd" | grep -oE '/[^ ]+' | while read -r library; do
    mkdir -p "$ROOT$(dirname "$library")"
    cp -L "$library" "$ROOT$library"
  done
}

collect_installer() {
  cp "$HERE/init" "$ROOT/init"
  chmod 0755 "$ROOT/init"
  mkdir -p "$ROOT/lib/tentacle"
  cp "$HERE"/lib/*.sh "$HERE/udhcpc.script" "$ROOT/lib/tentacle/"
  chmod 0755 "$ROOT/lib/tentacle/udhcpc.script"
  # The kernel opens this before init has mounted anything; without it the first lines are lost.
  mknod -m 0600 "$ROOT/dev/console" c 5 1 2>/dev/null || true
}

# pack OUT: sorted, owned by root, of one time: the same input gives the same file.
pack() {
  find "$ROOT" -exec touch -h -d "@$SOURCE_DATE_EPOCH" '{}' +
  (
    cd "$ROOT"
    find . -print0 | LC_ALL=C sort -z |
      cpio --quiet --null --create --format=newc --reproducible --owner=0:0
  ) | zstd -q "$COMPRESSION" -T1 -o "$1/initrd.img.new" -f
  cp "$KERNEL/boot/vmlinuz-$VERSION" "$1/vmlinuz.new"
  chmod 0644 "$1/vmlinuz.new" "$1/initrd.img.new"
  mv "$1/vmlinuz.new" "$1/vmlinuz"
  mv "$1/initrd.img.new" "$1/initrd.img"
}

main "$@"
