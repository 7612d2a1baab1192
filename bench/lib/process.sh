# shellcheck shell=bash
# What a process costs, as the kernel counts it.
#
# To be sourced.

# cpu_ticks PID: time on a processor since its start, with that of children that have ended and were waited for.
cpu_ticks() {
  local stat
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  # The name may hold blanks, so fields are counted behind it.
  # shellcheck disable=SC2086  # The fields are to be split.
  set -- ${stat##*) }
  printf '%s\n' "$((${12} + ${13} + ${14} + ${15}))"
}

# cpu_percent TICKS SECONDS: of one core.
cpu_percent() {
  awk -v ticks="$1" -v seconds="$2" -v hertz="$(getconf CLK_TCK)" 'BEGIN { printf "%.3f\n", 100 * ticks / hertz / seconds }'
}

# memory_mib PID FIELD: of resident memory, as smaps_rollup has it (Rss, Pss, Anonymous). PSS gives each page that several processes share to each in equal parts,
# so that PSS may be added up.
memory_mib() {
  awk -v field="$2:" '$1 == field { printf "%.2f\n", $2 / 1024; found = 1 } END { exit !found }' \
    "/proc/$1/smaps_rollup"
}

# add NUMBER...
add() {
  printf '%s\n' "$@" | awk '{ sum += $1 } END { printf "%.3f\n", sum }'
}

# uptime_s: seconds with two decimals, of a clock that nobody sets.
uptime_s() {
  local uptime
  read -r uptime _ </proc/uptime
  printf '%s\n' "$uptime"
}

# machine_line: figures of another machine are other figures.
machine_line() {
  printf 'machine: %s, %s cores, %s MiB, Linux %s, load %s\n' \
    "$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" \
    "$(awk '/^MemTotal/ { printf "%d", $2 / 1024 }' /proc/meminfo)" "$(uname -r)" "$(cut -d ' ' -f 1 /proc/loadavg)"
}
