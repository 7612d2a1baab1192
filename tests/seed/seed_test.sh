#!/bin/bash
# A tentacle at a backend that knows the product specification and nothing else (seed_backend.py): no ids, no
# acknowledgements, no tables with a revision. Everything of the specification works, also over a cut line.
#
#   tests/seed/seed_test.sh
#
# Runs the real tentacle in the lab's branch office, with two machines that are played, and with the clients of
# Debian: udhcpc, tftp-hpa, atftp, curl. The program is that of
# BUILD_PRESET (dev unless set). Prints "ok - ..." or "not ok - ..." for each check.
# shellcheck disable=SC2317  # check and comes call the functions here.
set -uo pipefail

export BUILD_PRESET=${BUILD_PRESET:-dev}
REPO=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/seed/seed_lab.sh
. "$REPO/tests/seed/seed_lab.sh"
# shellcheck source=tests/seed/seed_steps.sh
. "$REPO/tests/seed/seed_steps.sh"

MACHINES=2
IMAGE_BYTES=6000000
PULL_CUT_AT=2500000

main() {
  begin
  enrollment
  connection
  image
  installation
  real_clients
  configuration
  cancellation
  cut_line
  backend_away
  said_again
  nothing_wrong
  example_of_the_specification
  finish
}

script_goes_to_the_disk() {
  on_machine "$1" curl -fsS --max-time 10 "http://$LAB_TENTACLE_ADDRESS:9080/boot.ipxe?mac=$(mac_of "$1")" |
    grep -q 'starting from the disk'
}

script_is() { [ "$(web_status "$1" "/boot.ipxe?mac=$(mac_of "$1")")" = "$2" ]; }

main "$@"
