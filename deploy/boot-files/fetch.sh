#!/bin/bash
# Puts boot files of Debian's packages into a tentacle's boot folder.
#
#   fetch.sh BOOTDIR WHAT...
#
#   ipxe         undionly.kpxe, ipxe.efi, snponly.efi: what every tentacle needs
#   secure-boot  shimx64.efi and grubx64.efi, signed: for machines with Secure Boot
#   debian-12    kernel and initrd of Debian's installer, for debian-preseed tasks
#   memtest      memtest86+ for plain-kernel tasks: memtest/memtest86+x64.bin (BIOS) and .efi (UEFI)
#
# Packages are downloaded and unpacked beside; nothing is installed. Files of others (wimboot and WinPE for windows, kernel
# and initrd of Ubuntu and RHEL) are named in README.md. Needs: apt-get (lists updated), dpkg-deb.
set -euo pipefail

say() { printf 'boot-files: %s\n' "$*"; }
fail() { printf 'boot-files: %s\n' "$*" >&2; exit 1; }

main() {
  [ $# -ge 2 ] || fail 'usage: fetch.sh BOOTDIR ipxe|secure-boot|debian-12|memtest ...'
  mkdir -p "$1"
  BOOT=$(cd "$1" && pwd)
  shift
  WORK=$(mktemp -d)
  trap 'rm -rf "$WORK"' EXIT
  local what
  for what in "$@"; do
    case $what in
      ipxe) fetch_ipxe ;;
      secure-boot) fetch_secure_boot ;;
      debian-12) fetch_debian_12 ;;
      memtest) fetch_memtest ;;
      *) fail "there is no '$what'" ;;
    esac
    say "$what is in $BOOT"
  done
}

# unpack PACKAGE: below $WORK/PACKAGE.
unpack() {
  (cd "$WORK" && apt-get -q -o APT::Sandbox::User=root download "$1" >/dev/null) || fail "apt could not fetch $1"
  dpkg-deb -x "$WORK/$1"_*.deb "$WORK/$1"
  rm -f "$WORK/$1"_*.deb
}

# place FILE NAME: whole or not at all, since machines may be fetching it.
place() {
  mkdir -p "$(dirname "$BOOT/$2")"
  cp "$1" "$BOOT/$2.new"
  chmod 0644 "$BOOT/$2.new"
  mv "$BOOT/$2.new" "$BOOT/$2"
}

fetch_ipxe() {
  unpack ipxe
  local file
  for file in undionly.kpxe ipxe.efi snponly.efi; do
    place "$WORK/ipxe/usr/lib/ipxe/$file" "$file"
  done
}

# shim asks for grubx64.efi beside itself; GRUB asks the tentacle for grub/grub.cfg, which is made for each machine.
fetch_secure_boot() {
  unpack shim-signed
  unpack grub-efi-amd64-signed
  place "$WORK/shim-signed/usr/lib/shim/shimx64.efi.signed" shimx64.efi
  place "$WORK/grub-efi-amd64-signed/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed" grubx64.efi
}

fetch_debian_12() {
  local package=debian-installer-12-netboot-amd64 folder
  unpack "$package"
  folder=$WORK/$package/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64
  place "$folder/linux" debian-12/linux
  place "$folder/initrd.gz" debian-12/initrd.gz
}

fetch_memtest() {
  unpack memtest86+
  place "$WORK/memtest86+/boot/memtest86+x64.bin" memtest/memtest86+x64.bin
  place "$WORK/memtest86+/boot/memtest86+x64.efi" memtest/memtest86+x64.efi
}

main "$@"
