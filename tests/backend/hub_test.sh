#!/bin/bash
# Runs the tests of the backend's WebSocket on a private PostgreSQL.
#
#   tests/backend/hub_test.sh PROGRAM BACKEND [WORDS FOR PROGRAM...]
#
# PROGRAM is the GoogleTest program, BACKEND the octofleet-backend that it starts. Exit code 77 without PostgreSQL.
set -uo pipefail

REPO=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=scripts/lib/postgres.sh
. "$REPO/scripts/lib/postgres.sh"

TEMP=$(mktemp -d /tmp/tentacle-test.XXXXXX)
trap 'postgres_stop; rm -rf "$TEMP"' EXIT

if [ ! -x "$POSTGRES_BIN/initdb" ]; then
  echo "skipped: $POSTGRES_BIN/initdb is missing"
  exit 77
fi
postgres_start "$TEMP/postgres" || exit 1
program=$1
# libpqxx 6.4 loses the empty result of a connection that broke: 2 KiB a break, and not ours.
printf 'leak:PQmakeEmptyPGresult\n' >"$TEMP/lsan"
export LSAN_OPTIONS=suppressions=$TEMP/lsan:print_suppressions=0
export OCTOFLEET_TEST_DATABASE=$POSTGRES_URL OCTOFLEET_TEST_BACKEND=$2
shift 2
"$program" "$@"
