#!/bin/bash
# The script that installers of Debian, Ubuntu and Red Hat run for the tentacle (services/pxe/assets/octofleet-install.sh),
# under the shells that run it there: busybox ash without curl, bash without curl, dash with curl. /sys is a tree of files, the
# tentacle a small HTTP server. No root, no network but loopback.
# shellcheck disable=SC2317  # Checks are commands that check() is given.
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
BODY=$HERE/../../services/pxe/assets/octofleet-install.sh
WORK=$(mktemp -d)
SERVER=
FAILED=0

# shellcheck disable=SC2317  # Called by the trap.
clean_up() {
  if [ -n "$SERVER" ]; then kill "$SERVER" 2>/dev/null || true; fi
  rm -rf "$WORK"
}
trap clean_up EXIT

# A tentacle that writes down what it is told; a report called "refused" is refused.
start_server() {
  python3 - "$WORK" <<'PYTHON' &
import http.server, sys
work = sys.argv[1]
class Tentacle(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        right = self.headers["Authorization"] == "Bearer tok'en" and self.path == "/api/v1/provisioning/tasks/t1/events"
        with open(work + "/told", "a") as told:
            told.write(("" if right else "WRONG ") + body + "\n")
        self.send_response(204)
        self.end_headers()
    def log_message(self, *args):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Tentacle)
with open(work + "/port.new", "w") as out:
    out.write(str(server.server_port))
import os
os.rename(work + "/port.new", work + "/port")
server.serve_forever()
PYTHON
  SERVER=$!
  until [ -e "$WORK/port" ]; do
    kill -0 "$SERVER" || exit 1
    sleep 0.05
  done
}

# a_disk NAME SECTORS REMOVABLE SERIAL
a_disk() {
  mkdir -p "$WORK/sys/block/$1/device"
  echo "$2" >"$WORK/sys/block/$1/size"
  echo "$3" >"$WORK/sys/block/$1/removable"
  printf '%s\n' "$4" >"$WORK/sys/block/$1/serial"
}

# script LINE...: the helper with these values over the usual ones.
script() {
  {
    cat <<EOF
callback_host='127.0.0.1'
callback_port='$(cat "$WORK/port")'
callback_path='/api/v1/provisioning/tasks/t1/events'
callback_token='tok'\''en'
disk_path=''
disk_serial=''
disk_min_size='0'
ssh_keys='ssh-ed25519 AAAA it'\''s \$(touch $WORK/evil)'
post_script='touch /tmp/ran # \$(touch $WORK/evil)'
EOF
    printf '%s\n' "$@"
    cat "$BODY"
  } >"$WORK/octofleet-install"
}

# run VERB...: in the shell under test.
run() {
  : >"$WORK/told"
  env -i PATH="$WORK/bin" SYS="$WORK/sys" "$@"
}

check() {
  local text=$1
  shift
  if "$@"; then
    printf 'ok - %s: %s\n' "$NAME" "$text"
  else
    printf 'not ok - %s: %s\n' "$NAME" "$text"
    sed 's/^/    told: /' "$WORK/told"
    FAILED=1
  fi
}

fails() { ! "$@"; }
told() { grep -qxF "$1" "$WORK/told"; }

# tools NAME...: nothing else is in the path. PATH is set again by the script itself, so the tools are where it looks.
cases() {
  NAME=$1
  shift
  rm -rf "$WORK/sys" "$WORK/root"
  a_disk vda 8000000 0 ' WD-1 '
  a_disk sr0 2000 1 ''
  mkdir -p "$WORK/sys/block/loop0"

  script
  run "$@" booted
  check 'the first report' told '{"event":"booted","message":"the installer runs"}'
  check 'the only disk is meant' [ "$(run "$@" disk)" = /dev/vda ]

  script "disk_serial='WD-1'"
  check 'the serial names it' [ "$(run "$@" disk)" = /dev/vda ]
  script "disk_serial='WD-2'"
  check 'another serial is none' fails run "$@" disk
  check 'and that is told' told '{"event":"failed","message":"no disk is the one that the task means:  WD-2"}'
  script "disk_min_size='99999999999'"
  check 'a disk that is too small is none' fails run "$@" disk
  script "disk_serial='\$(touch $WORK/evil)'"
  check 'a hostile serial is only text' fails run "$@" disk

  a_disk vdb 8000000 0 'WD-3'
  script
  check 'of several none is meant' fails run "$@" disk
  check 'and that is told, too' told '{"event":"failed","message":"several disks could be meant and the task names none of them"}'
  script "disk_path='/dev/vdb'"
  check 'but a path names one' [ "$(run "$@" disk)" = /dev/vdb ]

  script "post_script=''"
  mkdir -p "$WORK/root/etc"
  run "$@" target "$WORK/root"
  check 'the last word' told '{"event":"configuring","message":"the system is installed restarting"}'
  check 'keys are where sshd looks' grep -qF "it's \$(touch" "$WORK/root/root/.ssh/authorized_keys"
  check 'the callback is for root alone' [ "$(stat -c %a "$WORK/root/etc/octofleet/callback")" = 600 ]
  check 'the first start will be reported' \
    test -L "$WORK/root/etc/systemd/system/multi-user.target.wants/octofleet-firstboot.service"
  check 'nothing was evaluated' [ ! -e "$WORK/evil" ]
  check 'every report had path and token' fails grep -q WRONG "$WORK/told"
}

# The script sets PATH itself, so each shell gets a copy whose PATH ends where its tools are.
BUSYBOX=$(command -v busybox)
mkdir -p "$WORK/bin" "$WORK/ash" "$WORK/bash"
for tool in $("$BUSYBOX" --list); do ln -sf "$BUSYBOX" "$WORK/ash/$tool"; done
for tool in bash tr sleep cut head cat readlink dd mkdir cp ln chroot rm; do ln -sf "$(command -v $tool)" "$WORK/bash/$tool"; done
sed "s|^PATH=.*|PATH=$WORK/ash|" "$BODY" >"$WORK/body.ash"
sed "s|^PATH=.*|PATH=$WORK/bash|" "$BODY" >"$WORK/body.bash"

start_server
BODY=$WORK/body.ash cases 'busybox ash' "$BUSYBOX" sh "$WORK/octofleet-install"
BODY=$WORK/body.bash cases bash "$(command -v bash)" "$WORK/octofleet-install"
cases dash "$(command -v dash)" "$WORK/octofleet-install"
exit $FAILED
