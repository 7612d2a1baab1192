#!/bin/sh
# Makes the backend's three secrets, once: PostgreSQL's password, the database URL that holds it, and
# the API key. Existing ones stay. The files are mounted into containers of other users, so it is the
# folder that keeps everybody else out.
#
#   make_secrets.sh [DIR]      DIR is ./secrets beside this file unless named
set -eu

dir=${1:-$(dirname "$0")/secrets}
mkdir -p "$dir"
chmod 0700 "$dir"

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

# keep NAME TEXT: through a second name, so that no half-written file is ever taken for one.
keep() {
  if [ ! -s "$dir/$1" ]; then
    printf '%s\n' "$2" >"$dir/$1.new"
    chmod 0444 "$dir/$1.new"
    mv "$dir/$1.new" "$dir/$1"
  fi
}

keep postgres-password "$(random)"
keep database-url "postgresql://octofleet:$(cat "$dir/postgres-password")@postgres:5432/octofleet"
keep api-key "$(random)"
echo "The API key for the backend's page is in $dir/api-key."
