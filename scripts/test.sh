#!/bin/bash
# All tests, on a machine with nothing but Debian 12.
#
#   scripts/test.sh          everything: units, protocols, database, page, real firmware, containers
#   scripts/test.sh quick    what needs no firmware, no browser and no containers
#   scripts/test.sh long     the forms that take hours: a thousand kills, every fault, all seeds
#
# Installs what is missing, builds, runs, and ends with one line: N passed, N failed, N skipped.
# Exit code 0 when nothing failed. Needs root: for packages, network namespaces and PostgreSQL.
set -uo pipefail

REPO=$(cd "$(dirname "$0")/.." && pwd)
cd "$REPO" || exit 1
# shellcheck source=scripts/lib/say.sh
. "$REPO/scripts/lib/say.sh"
# shellcheck source=scripts/lib/packages.sh
. "$REPO/scripts/lib/packages.sh"
# shellcheck source=scripts/lib/build.sh
. "$REPO/scripts/lib/build.sh"

# A clone in another folder finds what this one has compiled.
export CCACHE_BASEDIR=$REPO CCACHE_NOHASHDIR=1
MODE=${1-all}
LOGS=$REPO/build/test-logs
PASSED=0
FAILED=0
SKIPPED=0
FAILURES=()

main() {
  case $MODE in
    all | quick | long) ;;
    *)
      sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"
      exit 64
      ;;
  esac
  mkdir -p "$LOGS"
  step 'packages'
  local groups=(build run lab test)
  [ "$MODE" = quick ] || groups+=(web compose)
  ensure_packages "${groups[@]}" || finish
  step 'build with sanitizers'
  must dev-configure cmake --preset dev
  must dev-build cmake --build --preset dev
  case $MODE in
    quick) quick_tests ;;
    long) long_tests ;;
    all)
      quick_tests
      other_tests
      ;;
  esac
  finish
}

quick_tests() {
  step 'unit, protocol and database tests'
  run_ctest
  script backend tests/backend/api_test.sh
  script ramdisk-functions tests/firmware/ramdisk_functions_test.sh
  script install-helper tests/firmware/install_helper_test.sh
  script lab tests/netns/lab_test.sh
  script cache-site tests/netns/cache_site_test.sh
  script seed tests/seed/seed_test.sh
  script branch tests/branch/branch_test.sh
  script two-tentacles tests/branch/two_tentacles_test.sh
  step 'torture, short'
  script torture tests/torture/torture.sh short
}

other_tests() {
  step 'agent through uplink and backend'
  script agent tests/agent/agent_test.sh
  script scarcity tests/agent/scarcity_test.sh
  step 'protocol definitions'
  check proto-lint lint_protos
  step 'release build'
  must release-build build_programs dhcp_oracle
  script hardening tests/tidy/hardening_test.py build/release/compile_commands.json \
    build/release/cli/octofleet-tentacle build/release/backend/octofleet-backend
  step 'DHCP as Scapy, tshark and valgrind see it'
  script dhcp-oracle /usr/bin/python3 tests/oracle/dhcp_oracle_test.py build/release/tests/oracle/dhcp_oracle
  step 'page, ramdisk, disk image'
  must page-build build_page
  must ramdisk build_ramdisk
  must disk-image build_image
  step 'a real systemd: the unit, and releases of itself'
  script systemd env BUILD_PRESET=release tests/systemd/systemd_test.sh
  step 'page: its own tests, and in a browser'
  script page-units test_page
  script page tests/web/run.sh
  step 'real firmware: BIOS and UEFI'
  script install-bios-uefi tests/firmware/install_test.sh bios-uefi
  step 'real firmware: every service killed'
  script install-kill tests/firmware/install_test.sh kill
  step 'real firmware: the wrong disk'
  script install-refuse tests/firmware/install_test.sh refuse
  step 'containers on a Docker engine'
  script compose tests/compose/compose_test.sh
}

# Each is the long form of a test that every run does in seconds.
long_tests() {
  local units=build/dev/tests/unit/libs
  step 'stores: kills, failing disks, flipped bits'
  check store-kills env TENTACLE_TEST_KILLS=1000 "$units/store_test" --gtest_filter='StoreKilled*'
  check store-faults env TENTACLE_TEST_FAULTS=500 "$units/store_test" --gtest_filter='Disk/*'
  check store-flips env TENTACLE_TEST_FLIPS=2000 "$units/store_test" --gtest_filter='Of/*'
  check event-day env TENTACLE_TEST_HOURS=24 "$units/libs_test" --gtest_filter='*ADayWithoutTheBackend*'
  check pxe-silence env TENTACLE_TEST_PACKETS=100000 build/dev/tests/unit/pxe/pxe_shell_test --gtest_filter='*ThousandsOfOthers*'
  step 'sockets: a hundred thousand calls'
  check ipc-calls env TENTACLE_TEST_CALLS=100000 build/dev/tests/rpc/ipc_test \
    --gtest_filter='Abuse.Many*'
  step 'pxe killed while machines boot, by twenty seeds; ten thousand guesses at a token'
  local seed
  for seed in $(seq 11 30); do script "pxe-kill-$seed" tests/seed/kill_test.sh "$seed"; done
  check pxe-guesses env TENTACLE_TEST_GUESSES=10000 build/dev/tests/unit/pxe/pxe_shell_test --gtest_filter='*GuessesAre*'
  step 'fuzz: ten million packets of a stranger for each codec of network boot and discovery'
  must fuzz-packages ensure_packages fuzz
  must fuzz-configure cmake --preset fuzz
  local target targets='dhcp tftp quirk arp cdp lldp mdns netbios frames'
  # shellcheck disable=SC2046,SC2086  # A list of words.
  must fuzz-build cmake --build build/fuzz --target $(printf 'fuzz_%s ' $targets)
  for target in $targets; do
    mkdir -p "build/fuzz/corpus/$target"
    check "fuzz-$target" "build/fuzz/tests/fuzz/fuzz_$target" -runs=10000000 -max_len=1500 -timeout=1 -rss_limit_mb=512 \
      -artifact_prefix=build/fuzz/ "build/fuzz/corpus/$target" "tests/data/corpus/$target"
  done
  check pxe-cancels env TENTACLE_TEST_CANCELS=100 build/dev/tests/unit/pxe/pxe_shell_test --gtest_filter='*CancelRace*'
  step 'the line: a hundred cuts'
  check uplink-cuts env TENTACLE_TEST_CUTS=100 build/dev/tests/rpc/uplink_rpc_test --gtest_filter='Cuts.*'
  step 'each service killed twenty times, all stopped and let go on twenty times'
  script branch-kills env TENTACLE_TEST_KILLS=20 tests/branch/branch_test.sh interrupted_enrollment start \
    dying_services swizzled_services
  step 'a machine whose clock is four hundred days off, both ways'
  must release-build build_programs
  local days
  for days in -400 +400; do
    script "branch-clock$days" env BUILD_PRESET=release FAKETIME_DONT_FAKE_MONOTONIC=1 \
      TENTACLE_UNDER="faketime -f ${days}d" tests/branch/branch_test.sh interrupted_enrollment start modes segment removal
  done
  check cache-evictions env CACHE_OPERATIONS=100000 build/dev/tests/unit/cache/cache_core_test --gtest_filter='Eviction.*'
  check cache-cuts env CACHE_CUT_MIB=200 CACHE_CUTS=50 build/dev/tests/unit/cache/cache_shell_test --gtest_filter='CutLine.*'
  script cache-site-long env CACHE_SITE_MIB=96 CACHE_SITE_LIMIT_S=60 tests/netns/cache_site_test.sh
  check cache-kills env CACHE_KILLS=200 CACHE_KILL_ROUNDS=20 CACHE_POWER_CUTS=200 build/dev/tests/unit/cache/cache_kill_test
  step 'agent: four hundred jobs over kill -9'
  script agent-long env KILL_JOBS=400 tests/agent/agent_test.sh
  script scarcity-long env SCARCE_RESTARTS=1000 tests/agent/scarcity_test.sh
  step 'a release that never becomes healthy, on a real systemd'
  script systemd-long env BUILD_PRESET=release tests/systemd/systemd_test.sh long
  step 'a thousand slow clients'
  script slow-clients tests/netns/slow_clients_test.sh build/dev/cli/octofleet-tentacle
  step 'torture, long'
  script torture-long tests/torture/torture.sh long
}

lint_protos() {
  (cd tools && ensure_node && npm install --no-audit --no-fund && npm run lint)
}

# One line a test, as script() counts them.
test_page() {
  (cd web && ensure_node && npm test --silent -- --reporter=tap-flat)
}

# must NAME COMMAND...: without it nothing further makes sense.
must() {
  local name=$1
  shift
  if ! "$@" >"$LOGS/$name.log" 2>&1; then
    FAILED=$((FAILED + 1))
    FAILURES+=("$name")
    show_tail "$LOGS/$name.log" 40
    finish
  fi
}

# check NAME COMMAND...: one test.
check() {
  local name=$1
  shift
  if "$@" >"$LOGS/$name.log" 2>&1; then
    PASSED=$((PASSED + 1))
    echo "    $name: passed"
  else
    FAILED=$((FAILED + 1))
    FAILURES+=("$name")
    show_tail "$LOGS/$name.log" 40
  fi
}

# script NAME COMMAND...: a script whose lines "ok - ..." and "not ok - ..." are its checks, or which is one itself.
# Exit code 77 means that it cannot run here and says why.
script() {
  local name=$1 code=0 ok not_ok left_out
  shift
  "$@" >"$LOGS/$name.log" 2>&1 || code=$?
  if [ "$code" = 77 ]; then
    SKIPPED=$((SKIPPED + 1))
    echo "    $name: skipped: $(tail -n 1 "$LOGS/$name.log")"
    return
  fi
  # The runner of the page's own tests writes a test that is left out as "ok ... # SKIP".
  left_out=$(grep -cE '^ok\b.* # SKIP' "$LOGS/$name.log")
  ok=$(($(grep -c '^ok\b' "$LOGS/$name.log") - left_out))
  not_ok=$(grep -cE '^(not ok|FAILED)\b' "$LOGS/$name.log")
  if [ "$code" != 0 ] && [ "$not_ok" = 0 ]; then not_ok=1; fi
  if [ "$code" = 0 ] && [ "$ok" = 0 ]; then ok=1; fi
  PASSED=$((PASSED + ok))
  FAILED=$((FAILED + not_ok))
  SKIPPED=$((SKIPPED + left_out))
  echo "    $name: $ok passed, $not_ok failed"
  if [ "$not_ok" != 0 ]; then
    FAILURES+=("$name")
    grep -E '^(not ok|FAILED)\b' "$LOGS/$name.log"
    show_tail "$LOGS/$name.log" 60
  fi
}

run_ctest() {
  local log=$LOGS/ctest.log counts
  ctest --test-dir build/dev --output-on-failure --no-tests=error -j 2 >"$log" 2>&1
  counts=$(ctest_counts "$log")
  read -r passed failed skipped <<<"$counts"
  PASSED=$((PASSED + passed))
  FAILED=$((FAILED + failed))
  SKIPPED=$((SKIPPED + skipped))
  echo "    $passed passed, $failed failed, $skipped skipped"
  if [ "$failed" != 0 ]; then
    FAILURES+=(ctest)
    grep -E '\*\*\*|\[  FAILED  \]|Failure' "$log" | head -n 40
    show_tail "$log" 60
  fi
}

# Passed, failed and skipped programs of a ctest run.
ctest_counts() {
  local total failed skipped
  total=$(sed -n 's/.*tests passed, \([0-9]*\) tests failed out of \([0-9]*\).*/\2/p' "$1")
  failed=$(sed -n 's/.*tests passed, \([0-9]*\) tests failed out of \([0-9]*\).*/\1/p' "$1")
  skipped=$(grep -c '\*\*\*Skipped' "$1")
  # No closing line: ctest itself failed.
  if [ -z "$total" ]; then
    echo "0 1 0"
    return
  fi
  echo "$((total - failed - skipped)) $failed $skipped"
}

finish() {
  steps_table
  if [ "${#FAILURES[@]}" != 0 ]; then
    printf '\nfailed: %s (logs in build/test-logs)\n' "${FAILURES[*]}"
  fi
  if [ "$FAILED" = 0 ] && [ "$PASSED" = 0 ]; then FAILED=1; fi
  printf '%d passed, %d failed, %d skipped\n' "$PASSED" "$FAILED" "$SKIPPED"
  [ "$FAILED" = 0 ]
  exit $?
}

main
