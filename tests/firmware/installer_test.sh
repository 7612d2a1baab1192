#!/bin/bash
# Installers of others and the Secure Boot chain, on real firmware, through the real backend. Each machine is switched
# off as soon as it has shown what is asked:
#
#   debian        Debian's own installer boots from BIOS, fetches its preseed file and reports `booted`
#   secure-boot   OVMF with Secure Boot on starts shim, GRUB and our signed kernel, whose installer gets its orders
#   http-boot     OVMF with PXE switched off comes by UEFI HTTP Boot, loads iPXE over HTTP and fetches its script
#
#   tests/firmware/installer_test.sh [debian] [secure-boot] [http-boot]      all, at once, when none is named
#
# One line a check; exit code 0 when all hold. Needs root and what scripts/lib/packages.sh calls run and lab; the
# programs are those of BUILD_PRESET (release unless set).
# shellcheck disable=SC2034,SC2153  # Names in capitals are shared with scripts/lib.
set -euo pipefail

# shellcheck source=tests/firmware/common.sh
. "$(dirname "$0")/common.sh"

PATIENCE_S=${PATIENCE_S:-420}

main() {
  local -a wanted=("$@")
  local one
  [ $# -gt 0 ] || wanted=(debian secure-boot http-boot)
  begin installer_test
  build_ramdisk
  mkdir -p "$IMAGE_DIR"
  # A Secure Boot client does not say that it is one, so the branch says which machines get the signed chain.
  secure_mac=$(install_mac secure-01)
  export TENTACLE_PXE_QUIRKS="name=secure-boot mac=$secure_mac arch=7 loader=shimx64.efi"
  # Debian's installer asks a person when the office names no name server. Debian's GRUB takes the DHCP server's word for who
  # serves it, so the office names the tentacle as the next server for the machine with Secure Boot (docs/boot.md).
  LAB_DHCP_OPTIONS=(--dhcp-option="option:dns-server,$LAB_DHCP_ADDRESS" --dhcp-host="$secure_mac,set:signed"
    --dhcp-boot="tag:signed,,,$LAB_TENTACLE_ADDRESS")
  stack_or_end "$REPO/deploy/boot-files/fetch.sh" "$TEMP/state/cache/boot" debian-12 secure-boot
  for one in "${wanted[@]}"; do "start_$(tr - _ <<<"$one")"; done
  for one in "${wanted[@]}"; do "check_$(tr - _ <<<"$one")"; done
  finish
}

# order NAME JSON: a task with these fields beside the usual ones.
order() {
  local task
  task=$(api POST /api/v1/provisioning/tasks "$(jq -n --arg mac "$(install_mac "$1")" --arg name "$1" \
    --arg node "$NODE_ID" --argjson more "$2" \
    '{tentacleId: $node, mac: $mac, hostname: $name, network: {dhcp: true}, timezone: "Europe/Berlin"} + $more')") ||
    return 1
  INSTALL_TASK[$1]=$(jq -r .id <<<"$task")
}

has_step() {
  api GET "/api/v1/provisioning/tasks/${INSTALL_TASK[$1]}" |
    jq -e --arg step "$2" --arg detail "$3" '.timeline | any(.step == $step and (.detail | contains($detail)))'
}

start_debian() {
  check 'debian: the task is taken, without an image' order debian-01 \
    '{"osType": "debian-preseed", "platform": "baremetal-bios", "adminPassword": "m4rker-of-the-test"}'
  install_switch_on debian-01 bios
}

check_debian() {
  check 'debian: the installer has fetched its preseed file' \
    wait_for "$PATIENCE_S" has_step debian-01 answer preseed.cfg
  check 'debian: and obeys it: its first command reports that it runs' \
    wait_for 120 has_step debian-01 booted 'the installer runs'
  lab_stop vm-debian-01
  install_timeline debian-01
  check 'debian: the record of the boot tells the same' boots_shows debian-01 answer
  # Bar O1: the password is in no log, no event, no file; it left only inside the hash of the preseed file.
  check 'debian: the password is in no file of the tentacle, but what uplink has to keep' password_is_nowhere
}

password_is_nowhere() {
  ! grep -rqaF m4rker-of-the-test "$LAB_DIR"/*.log "$STACK_DIR/state/tasks" "$STACK_DIR/state/pxe"
}

boots_shows() {
  in_branch "$TENTACLE_BIN" boots "$(install_mac "$1")" >"$TEMP/boots.txt" && sed 's/^/    /' "$TEMP/boots.txt" &&
    grep -qE "^  $2 +[0-9.]+ s|^  $2 +…" "$TEMP/boots.txt"
}

start_secure_boot() {
  # Any image will do: the installer is to get its orders, and is switched off then.
  head -c 1000000 /dev/urandom >"$IMAGE_DIR/secure-boot-test.raw"
  local image
  image=$(api POST /api/v1/provisioning/images \
    '{"name": "secure-boot-test", "path": "secure-boot-test.raw", "osType": "linux-image"}' | jq -r .id)
  IMAGE_ID=$image
  wait_for 60 image_ready
  check 'secure boot: the task is taken' order secure-01 \
    "{\"osType\": \"linux-image\", \"platform\": \"baremetal-uefi\", \"imageId\": \"$image\"}"
  install_switch_on secure-01 uefi-secure
}

check_secure_boot() {
  check 'secure boot: shim goes out by TFTP' wait_for "$PATIENCE_S" has_step secure-01 tftp shimx64.efi
  check 'secure boot: shim finds GRUB' wait_for 120 has_step secure-01 tftp grubx64.efi
  check 'secure boot: GRUB gets the configuration of this machine' wait_for 120 has_step secure-01 script ''
  check 'secure boot: the installer has its orders' wait_for "$PATIENCE_S" has_step secure-01 orders 'given to'
  check 'secure boot: the kernel says that it is on' grep -qa 'Secure Boot is enabled' "$LAB_DIR/secure-01.serial"
  lab_stop vm-secure-01
  rm -f "$IMAGE_DIR/secure-boot-test.raw"
  install_timeline secure-01
}

start_http_boot() {
  check 'HTTP Boot: the task is taken' order http-01 \
    '{"osType": "debian-preseed", "platform": "baremetal-uefi", "adminPassword": "m4rker-of-the-test"}'
  install_switch_on http-01 uefi-http
}

check_http_boot() {
  check 'HTTP Boot: the firmware is offered a URL' wait_for "$PATIENCE_S" has_step http-01 offer "http://$LAB_TENTACLE_ADDRESS:9080/boot/ipxe.efi"
  check 'HTTP Boot: it fetches iPXE there' wait_for 60 has_step http-01 http ipxe.efi
  check 'HTTP Boot: iPXE runs and fetches its script' wait_for 120 has_step http-01 script iPXE
  lab_stop vm-http-01
  install_timeline http-01
}

main "$@"
