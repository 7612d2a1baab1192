#!/bin/bash
# Machines with real firmware, installed by the real services through the real backend.
#
#   tests/firmware/install_test.sh bios-uefi   a BIOS and a UEFI machine, at once
#   tests/firmware/install_test.sh kill        one BIOS machine; each of the five services is killed
#                                              with SIGKILL once while it is being installed
#   tests/firmware/install_test.sh refuse      machines whose disk is not the one meant, or too small
#
# One line a check; exit code 0 when all hold. Needs root and what scripts/lib/packages.sh calls run
# and lab; the programs are those of BUILD_PRESET (release unless set).
set -euo pipefail

# shellcheck source=tests/firmware/common.sh
. "$(dirname "$0")/common.sh"

# What every boot passes through, in the words of the timeline. UEFI firmware asks port 4011 and
# fetches iPXE by TFTP; the BIOS machine's network card has iPXE in its ROM.
STEPS_ALWAYS=(offer script orders image booted downloading applying configuring firstboot 'done')
STEPS_UEFI=(boot-server tftp)
SERVICES=(discovery agent pxe cache uplink)

main() {
  begin install_test
  build_ramdisk
  build_image
  stack_or_end register_image
  case ${1-} in
    bios-uefi) test_bios_and_uefi ;;
    kill) test_kill ;;
    refuse) test_refuse ;;
    *)
      echo 'usage: install_test.sh bios-uefi | kill | refuse' >&2
      exit 1
      ;;
  esac
  finish
}

test_bios_and_uefi() {
  check 'both machines become complete' install_machines - bios-01:bios uefi-01:uefi
  install_timeline bios-01
  install_timeline uefi-01
  check_machine bios-01 "${STEPS_ALWAYS[@]}"
  check_machine uefi-01 "${STEPS_ALWAYS[@]}" "${STEPS_UEFI[@]}"
  check 'the image was pulled from the backend once' pulled_once
}

# check_machine NAME STEP...
check_machine() {
  local name=$1
  shift
  check "$name: the timeline has every step" has_steps "$name" "$@"
  check "$name: runs from its disk under its new name" started_as "$name"
  check "$name: no secret of the task is in a log" no_secret_in_logs "$name"
}

has_steps() {
  local missing
  missing=$(install_missing_steps "$@" | tr '\n' ' ')
  [ -z "$missing" ] || echo "       missing: $missing"
  [ -z "$missing" ]
}

# The serial line shows the login of the installed system, which carries the machine's new name.
started_as() {
  grep -qa "installed by a tentacle: $1 " "$LAB_DIR/$1.serial" ||
    wait_for 60 grep -qa "installed by a tentacle: $1 " "$LAB_DIR/$1.serial"
}

# The one-time token is on the kernel's command line, so it is known here without being told.
no_secret_in_logs() {
  local token
  token=$(grep -ao 'tentacle\.token=[0-9a-f]*' "$LAB_DIR/$1.serial" | head -n 1 | cut -d= -f2)
  [ -n "$token" ] && ! grep -qF "$token" "$LAB_DIR/tentacle.log" "$LAB_DIR/backend.log" &&
    ! grep -qF "$API_KEY" "$LAB_DIR/tentacle.log" "$LAB_DIR/backend.log"
}

# Two machines were served the image, and it crossed the line to the backend once.
pulled_once() {
  local size pulled
  size=$(stat -c %s "$IMAGE_DIR/$IMAGE_NAME")
  pulled=$(ip netns exec tt-tent cat "/sys/class/net/wan0/statistics/rx_bytes")
  echo "       the image has $size bytes; $pulled bytes came over the line to the backend"
  [ "$pulled" -lt $((size * 3 / 2)) ]
}

test_kill() {
  KILL_NEXT=0
  check 'the machine becomes complete although every service was killed once' \
    install_machines kill_one_more bios-02:bios
  install_timeline bios-02
  check 'all five services were killed during the installation' [ "$KILL_NEXT" -eq 5 ]
  check_machine bios-02 "${STEPS_ALWAYS[@]}"
  check 'all five services are ready again' wait_for 60 stack_tentacle_ready
}

# Called at each change that the backend shows: kills the next of the five, from the moment on when
# the machine has its orders until it restarts. There are ten changes or so; five are needed.
kill_one_more() {
  local pid service
  case $3 in
    booted | downloading | applying | configuring) ;;
    *) return 0 ;;
  esac
  [ "$KILL_NEXT" -lt 5 ] || return 0
  service=${SERVICES[$KILL_NEXT]}
  KILL_NEXT=$((KILL_NEXT + 1))
  pid=$(service_pid "$service") || {
    echo "       there is no process of $service" >&2
    return 0
  }
  printf '    ------  SIGKILL to %s (process %s)\n' "$service" "$pid"
  kill -KILL "$pid"
}

# The installer has to leave a disk alone that is not the one meant, and to say why.
test_refuse() {
  INSTALL_ORDERED_SERIAL[other-disk]=another-serial
  INSTALL_DISK_SIZE_OF[small-disk]=1G
  check 'neither machine is installed' not_installed other-disk:bios small-disk:bios
  check_refused other-disk "no disk has the serial 'another-serial'"
  check_refused small-disk 'too small: it has 1073741824 bytes'
}

not_installed() { ! install_machines - "$@"; }

# check_refused NAME SENTENCE
check_refused() {
  check "$1: the task has failed" [ "${INSTALL_RESULT[$1]}" = failed ]
  check "$1: the task says why" says "$1" "$2"
  check "$1: the console says why" grep -qaF "$2" "$LAB_DIR/$1.serial"
  lab_stop "vm-$1"
  check "$1: nothing was written to the disk" disk_is_empty "$1"
}

says() {
  local message
  message=$(install_message "$1")
  [[ $message == *"$2"* ]] || {
    echo "       the task says: $message"
    return 1
  }
}

disk_is_empty() {
  [ "$(qemu-img map --output=json "$LAB_DIR/$1.qcow2" | jq '[.[] | select(.data)] | length')" = 0 ]
}

main "$@"
