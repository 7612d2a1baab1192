# shellcheck shell=bash
# Area boot: from power-on to the boot script with real firmware (SeaBIOS with iPXE in the card's ROM; OVMF, which fetches
# iPXE by TFTP), with pxe as the relay and with dnsmasq in proxy mode, in turn in the same lab. Sourced by run.sh.
# shellcheck disable=SC2034,SC2153  # AREA_PACKAGES is for run.sh; names in capitals are shared with setup.sh.

AREA_PACKAGES='build run lab bench'
BOOT_PATIENCE_S=${BOOT_PATIENCE_S:-300}   # For one machine; OVMF takes 100 s where the processor is emulated.
BOOT_FIRMWARES=${BOOT_FIRMWARES:-bios uefi}

area_measure() {
  local run firmware
  bench_build || return 1
  branch_up || return 1
  branch_start "$BENCH_DIR/ready" "unix:$BENCH_DIR/run/pxe.sock" && boot_tasks || return 1
  branch_stop
  for run in $(seq 1 "$BENCH_RUNS"); do
    progress "run $run of $BENCH_RUNS: $BOOT_FIRMWARES with pxe, then with dnsmasq"
    branch_start "$BENCH_DIR/ready" "unix:$BENCH_DIR/run/pxe.sock" || return 1
    for firmware in $BOOT_FIRMWARES; do boot_timed ours "$firmware" boot_ours_served || return 1; done
    branch_stop
    boot_dnsmasq_start || return 1
    for firmware in $BOOT_FIRMWARES; do boot_timed dnsmasq "$firmware" boot_dnsmasq_served || return 1; done
    boot_dnsmasq_stop
  done
  boot_table && boot_figures
}

boot_mac() { printf '52:54:00:be:ac:%02x\n' "$([ "$1" = bios ] && echo 1 || echo 2)"; }

# A task for each firmware, whose script is asked for and whose installer never starts: a kernel that is none.
boot_tasks() {
  local node firmware
  node=$(api GET /api/v1/tentacles | jq -r '.tentacles[0].id') || return 1
  mkdir -p "$BENCH_DIR/state/cache/boot/debian-12"
  echo 'no kernel' | tee "$BENCH_DIR/state/cache/boot/debian-12/"{linux,initrd.gz} >/dev/null
  for firmware in $BOOT_FIRMWARES; do
    api POST /api/v1/provisioning/tasks "$(jq -n --arg node "$node" --arg mac "$(boot_mac "$firmware")" \
      --arg name "boot-$firmware" --arg platform "baremetal-$firmware" '{tentacleId: $node, mac: $mac,
      hostname: $name, osType: "debian-preseed", platform: $platform, network: {dhcp: true}}')" >/dev/null || return 1
    wait_for 30 test -s "$BENCH_DIR/state/tasks/$(boot_mac "$firmware" | tr : -).json" || return 1
  done
}

boot_ours_served() { grep -qF pxe.script_served <(boot_new_lines "$LAB_DIR/tentacle.log"); }
boot_dnsmasq_served() { grep -qF 'GET /boot.ipxe' <(boot_new_lines "$LAB_DIR/boot-http.log"); }

# What a log has got since the machine was switched on.
boot_new_lines() { tail -c "+$((BOOT_LOG_FROM + 1))" "$1" 2>/dev/null; }

# boot_timed RELAY FIRMWARE SERVED: switches a machine on and notes when the relay has served its script.
boot_timed() {
  local relay=$1 firmware=$2 served=$3 log=$LAB_DIR/tentacle.log began
  [ "$relay" = ours ] || log=$LAB_DIR/boot-http.log
  BOOT_LOG_FROM=$(stat -c %s "$log" 2>/dev/null || echo 0)
  rm -f "$LAB_DIR/boot-$firmware.qcow2" "$LAB_DIR/boot-$firmware.qcow2.vars"
  lab_disk "$LAB_DIR/boot-$firmware.qcow2" 1G || return 1
  began=$(uptime_s)
  lab_vm "boot-$firmware" "$firmware" "$(boot_mac "$firmware")" "$LAB_DIR/boot-$firmware.qcow2" || return 1
  wait_for "$BOOT_PATIENCE_S" "$served" || {
    echo "bench: $firmware did not come to its script with $relay within $BOOT_PATIENCE_S s" >&2
    return 1
  }
  sample "${firmware}_$relay" "$(awk -v from="$began" -v to="$(uptime_s)" 'BEGIN { printf "%.2f\n", to - from }')"
  lab_stop "vm-boot-$firmware"
}

# The same files and the same kind of script, by the tools a person would take.
boot_dnsmasq_start() {
  local boot=$BENCH_DIR/state/cache/boot
  mkdir -p "$BENCH_DIR/www"
  printf '#!ipxe\nsleep 600\n' >"$BENCH_DIR/www/boot.ipxe"
  lab_start boot-http tt-tent python3 -u -m http.server 9080 --bind "$LAB_TENTACLE_ADDRESS" --directory "$BENCH_DIR/www"
  lab_start boot-dnsmasq tt-tent dnsmasq --keep-in-foreground --conf-file=/dev/null --port=0 --user=root \
    --interface="$LAB_LAN_DEVICE" --bind-interfaces --dhcp-range=10.77.0.0,proxy --log-dhcp --log-facility=- --pid-file= \
    --enable-tftp --tftp-root="$boot" --dhcp-userclass=set:ipxe,iPXE \
    --pxe-service=tag:!ipxe,x86PC,boot,undionly.kpxe --pxe-service=tag:!ipxe,X86-64_EFI,boot,ipxe.efi \
    --pxe-service="tag:ipxe,x86PC,boot,http://$LAB_TENTACLE_ADDRESS:9080/boot.ipxe" \
    --pxe-service="tag:ipxe,X86-64_EFI,boot,http://$LAB_TENTACLE_ADDRESS:9080/boot.ipxe"
  wait_for 20 boot_dnsmasq_ready
}

boot_dnsmasq_ready() {
  [ -n "$(ip netns exec tt-tent ss -Hlun 'sport = :69')" ] && [ -n "$(ip netns exec tt-tent ss -Hltn 'sport = :9080')" ]
}

boot_dnsmasq_stop() {
  lab_stop boot-dnsmasq
  lab_stop boot-http
}

boot_table() {
  local firmware
  machine_line
  table_head 'boot: power-on to the boot script'
  for firmware in $BOOT_FIRMWARES; do
    row "$firmware, pxe" "${firmware}_ours" s
    row "$firmware, dnsmasq as the relay" "${firmware}_dnsmasq" s
  done
}

boot_figures() {
  local firmware
  for firmware in $BOOT_FIRMWARES; do
    sample "${firmware}_over_dnsmasq" "$(awk -v ours="$(median "${firmware}_ours")" \
      -v peer="$(median "${firmware}_dnsmasq")" 'BEGIN { printf "%.3f\n", ours / peer }')"
    figure "${firmware}_over_dnsmasq" ratio '<=' 1.05
  done
  figures_print
}
