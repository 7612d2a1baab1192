# shellcheck shell=bash
# Installing machines through the backend's API and following them to their first start.
#
# To be sourced after stack.sh, with a stack up and IMAGE_ID set. A machine is written NAME:FIRMWARE
# (bios or uefi).

INSTALL_PATIENCE_S=${INSTALL_PATIENCE_S:-900}   # For one machine, from switching on to its first start.
INSTALL_DISK_SIZE=${INSTALL_DISK_SIZE:-3G}
declare -A INSTALL_TASK INSTALL_SEEN INSTALL_STARTED INSTALL_RESULT
# By name, where a machine's order or hardware shall differ from the usual.
declare -A INSTALL_ORDERED_SERIAL INSTALL_DISK_SIZE_OF

# install_machines HOOK MACHINE...: all at once. HOOK is `-`, or a command that is called as
# `HOOK NAME STATUS STAGE PROGRESS` at every change that the backend shows. Returns 1 if any did not
# become complete; the others go on meanwhile.
install_machines() {
  local hook=$1 machine
  shift
  for machine in "$@"; do
    install_order "${machine%%:*}" "${machine##*:}" || return 1
  done
  for machine in "$@"; do
    install_switch_on "${machine%%:*}" "${machine##*:}" || return 1
  done
  install_follow "$hook" "$@"
}

# install_mac NAME: a locally administered address that is the same for the same name.
install_mac() {
  local sum
  sum=$(printf '%s' "$1" | sha256sum)
  printf '52:54:00:%s:%s:%s\n' "${sum:0:2}" "${sum:2:2}" "${sum:4:2}"
}

# install_order NAME FIRMWARE: the task, as a person would order it on the page.
install_order() {
  local task platform=baremetal-$2
  task=$(api POST /api/v1/provisioning/tasks "$(jq -n --arg mac "$(install_mac "$1")" \
    --arg name "$1" --arg image "$IMAGE_ID" --arg node "$NODE_ID" --arg platform "$platform" \
    --arg serial "${INSTALL_ORDERED_SERIAL[$1]:-$(lab_disk_serial "$1")}" --arg key "${INSTALL_SSH_KEY:-}" \
    '{tentacleId: $node, mac: $mac, hostname: $name, imageId: $image, osType: "linux-image",
      platform: $platform, network: {dhcp: true}, disk: {serial: $serial},
      timezone: "Europe/Berlin", sshKeys: [$key | select(. != "")]}')") || return 1
  INSTALL_TASK[$1]=$(jq -r .id <<<"$task")
  INSTALL_SEEN[$1]=
  INSTALL_RESULT[$1]=
}

# The tentacle has to know the task before the machine asks: firmware waits seconds, not minutes.
install_switch_on() {
  if ! wait_for 30 install_known "$1"; then
    echo "install: the tentacle has not got the task of $1" >&2
    return 1
  fi
  lab_disk "$LAB_DIR/$1.qcow2" "${INSTALL_DISK_SIZE_OF[$1]:-$INSTALL_DISK_SIZE}" || return 1
  INSTALL_STARTED[$1]=$(now_s)
  lab_vm "$1" "$2" "$(install_mac "$1")" "$LAB_DIR/$1.qcow2"
}

install_known() {
  local file
  file=$STACK_DIR/state/tasks/$(install_mac "$1" | tr ':' '-').json
  [ -s "$file" ]
}

# install_follow HOOK MACHINE...: until every one has a result.
install_follow() {
  local hook=$1 machine name open=1 failed=0
  shift
  while [ $open -gt 0 ]; do
    open=0
    for machine in "$@"; do
      name=${machine%%:*}
      [ -z "${INSTALL_RESULT[$name]}" ] || continue
      install_look "$hook" "$name"
      [ -n "${INSTALL_RESULT[$name]}" ] || open=$((open + 1))
    done
    [ $open -eq 0 ] || sleep 1
  done
  for machine in "$@"; do
    [ "${INSTALL_RESULT[${machine%%:*}]}" = complete ] || failed=1
  done
  return $failed
}

# install_look HOOK NAME: one look at a task; a line when its stage has changed or ten more per cent
# are done.
install_look() {
  local hook=$1 name=$2 task status stage progress message elapsed
  elapsed=$(($(now_s) - ${INSTALL_STARTED[$name]}))
  if task=$(api GET "/api/v1/provisioning/tasks/${INSTALL_TASK[$name]}" 2>/dev/null); then
    # One field a line: a message may hold anything but a line's end.
    {
      read -r status
      read -r stage
      read -r progress
      read -r message
    } < <(jq -r '.status, .stage // "", .progress // 0, ((.message // "") | gsub("[\\n\\r]"; " "))' \
      <<<"$task")
    if [ "${INSTALL_SEEN[$name]}" != "$status/$stage/$((progress / 10))" ]; then
      INSTALL_SEEN[$name]=$status/$stage/$((progress / 10))
      printf '    %4d s  %-10s %-10s %-12s %3d %%  %s\n' \
        "$elapsed" "$name" "$status" "$stage" "$progress" "$message"
      [ "$hook" = - ] || "$hook" "$name" "$status" "$stage" "$progress"
    fi
    case $status in
      complete | failed | cancelled) INSTALL_RESULT[$name]=$status ;;
    esac
  fi
  [ -z "${INSTALL_RESULT[$name]}" ] || return 0
  if ! lab_pid "vm-$name" >/dev/null; then
    echo "install: the virtual machine $name has ended" >&2
    INSTALL_RESULT[$name]='machine ended'
  elif [ "$elapsed" -ge "$INSTALL_PATIENCE_S" ]; then
    echo "install: $name is not complete after $INSTALL_PATIENCE_S s" >&2
    INSTALL_RESULT[$name]='too late'
  fi
}

# install_message NAME: what the task says now.
install_message() {
  api GET "/api/v1/provisioning/tasks/${INSTALL_TASK[$1]}" | jq -r '.message // ""'
}

# install_timeline NAME: the steps of its boot as a table, with the seconds since the first.
install_timeline() {
  printf '\n%s (%s)\n' "$1" "$(install_mac "$1")"
  api GET "/api/v1/provisioning/tasks/${INSTALL_TASK[$1]}" | jq -r '
    def seconds: sub("\\.[0-9]+"; "") | sub("[+]00:00$"; "Z") | fromdateiso8601;
    (.timeline // []) as $steps | ($steps[0].time // "1970-01-01T00:00:00Z" | seconds) as $first |
    $steps[] | [(.time | seconds) - $first, .step, .detail // ""] | @tsv' |
    while IFS=$'\t' read -r at name detail; do
      printf '    %4d s  %-14s %s\n' "$at" "$name" "$detail"
    done
}

# install_missing_steps NAME STEP...: prints those of the steps that the timeline does not have.
install_missing_steps() {
  local name=$1 have step
  shift
  have=$(api GET "/api/v1/provisioning/tasks/${INSTALL_TASK[$name]}" | jq -r '.timeline[].step')
  for step in "$@"; do
    grep -qxF "$step" <<<"$have" || printf '%s\n' "$step"
  done
}
