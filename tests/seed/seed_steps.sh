# shellcheck shell=bash
# The steps of seed_test.sh, in their order. To be sourced by it.
# shellcheck disable=SC2317  # check and comes call the functions here.

enrollment() {
  check 'a wrong token is refused' wrong_token_refused
  check 'a tentacle enrolls' in_branch "$TENTACLE_BIN" enroll --backend "$SEED_URL" --token seed-token \
    --name 'Seed Office'
  check 'the seed saw nothing but its own enrollment route' \
    seen '(.requests | map(.status)) == [401, 201] and all(.requests[]; .path | endswith("/enroll"))'
}

wrong_token_refused() {
  ! in_branch "$TENTACLE_BIN" enroll --backend "$SEED_URL" --token other --name 'Seed Office' &&
    [ ! -e "$TEMP/state/tentacle.key" ]
}

connection() {
  start_tentacle
  comes 'it connects with a token that holds' seen .online
  comes 'it says that it is online and has no tasks' \
    received '.type == "status" and .online == true and .tasks == []'
  comes 'all services are ready' services_ready
  check 'it answers a ping' control /ping
  comes 'it pings by itself' seen '.pings > 1'
}

services_ready() {
  local port
  for port in 9471 9472 9473 9474 9475; do
    in_branch curl -fsS --max-time 2 "http://127.0.0.1:$port/readyz" || return 1
  done
}

# image: is fetched ahead, over a pull that breaks in the middle.
image() {
  control "/cut-pull?bytes=$PULL_CUT_AT"
  send '{"type":"image.prepull","imageId":"5"}'
  comes 'a prepull ends with image.cached and the size' \
    received ".type == \"image.cached\" and .imageId == \"5\" and .size == $IMAGE_BYTES"
  check 'the rest was asked for with Range after the pull had broken' rest_was_asked_for
  check 'a machine gets the same bytes from port 9081' image_is_served
  check 'a range of it, too' image_range_is_served
  check 'an image that nobody ordered is pulled when a machine asks' image_on_demand
  comes 'image.cached tells of it, too' received '.type == "image.cached" and .imageId == "6" and .size == 300000'
  check 'an image that the backend does not have is 404' image_is_unknown
}

image_on_demand() { [ "$(web_status 1 /images/6 9081)" = 200 ] && cmp "$TEMP/body" "$TEMP/images/6"; }

image_is_unknown() { [ "$(web_status 1 /images/7 9081)" = 404 ]; }

rest_was_asked_for() {
  seen '[.requests[] | select(.path | endswith("/pull"))] | length == 2 and .[0].range == null
    and (.[1] | .status == 206 and (.range | test("^bytes=[1-9][0-9]*-$")))'
}

image_is_served() {
  [ "$(web_status 1 /images/5 9081)" = 200 ] && cmp "$TEMP/body" "$TEMP/images/5"
}

image_range_is_served() {
  on_machine 1 curl -fsS --max-time 10 -r 1000000-2999999 -o "$TEMP/range" \
    "http://$LAB_TENTACLE_ADDRESS:9081/images/5" &&
    cmp "$TEMP/range" <(tail -c +1000001 "$TEMP/images/5" | head -c 2000000)
}

task_file() { printf '%s/state/tasks/52-54-00-65-d5-0%s.json' "$TEMP" "$1"; }

file_has_task() { jq -e --arg id "$2" '.task.id == $id' "$(task_file "$1")"; }

installation() {
  check 'a machine without a task gets no script' script_is 1 404
  send "$(task 1 41)"
  comes 'task.new makes tasks/<mac>.json' file_has_task 1 41
  check 'without the password' fails grep 'not for any file' "$(task_file 1)"
  comes 'task.status waiting goes up' status_came 41 waiting
  check 'the machine is offered a boot file' is_offered 1 ipxe.efi
  comes 'boot.detected with its MAC goes up' received ".type == \"boot.detected\" and .mac == \"$(mac_of 1)\""
  check 'it gets its boot script on port 9080' script_is 1 200
  comes 'task.status booting goes up' status_came 41 booting
  check 'another machine gets none' script_is 2 404
  check 'it gets its orders' fetch_orders 1
  comes 'task.status installing goes up' status_came 41 installing
  check 'the image of the orders is the one of the seed' image_of_orders 1
  check 'what the installer reports is taken' report_all 1 41
  comes 'task.status complete goes up' status_came 41 complete
  check 'the statuses came in order' statuses_are 41 'waiting booting installing complete'
  check 'a machine that is installed is sent to its disk' script_goes_to_the_disk 1
}

# real_clients: what other people's programs make of it, on a machine that has a task.
real_clients() {
  send "$(task 2 42)"
  comes 'a task for the second machine' file_has_task 2 42
  check 'udhcpc gets an address of the office from its DHCP server, and no word about booting' udhcpc_gets_address 2
  check 'tftp-hpa fetches a boot file whole' tftp_hpa_fetches 2 snponly.efi
  check 'tftp-hpa is refused what is not there' fails tftp_hpa_fetches 2 nothing.efi
  check 'tftp-hpa gets nothing from outside the boot folder' tftp_hpa_stays_inside 2
  check 'atftp fetches it with block size, size and timeout negotiated' atftp_fetches 2 snponly.efi
  check 'curl fetches it on port 9080' boot_file_is_served 2 snponly.efi
  check 'curl learns its size with HEAD' boot_file_size 2 snponly.efi
  check 'the iPXE of these files is offered its script' ipxe_is_offered_its_script 2
  send '{"type":"task.cancel","taskId":"42"}'
  comes 'task.status cancelled of that task goes up' status_came 42 cancelled
}

udhcpc_gets_address() {
  # shellcheck disable=SC2016  # $1 is for the script that is written.
  printf '#!/bin/sh\n[ "$1" != bound ] || env >%s\n' "$TEMP/lease" >"$TEMP/lease-script"
  chmod +x "$TEMP/lease-script"
  rm -f "$TEMP/lease"
  on_machine "$1" busybox udhcpc -i "$LAB_LAN_DEVICE" -n -q -t 5 -T 2 -s "$TEMP/lease-script" || return 1
  grep -q '^ip=10\.77\.0\.1[0-9][0-9]$' "$TEMP/lease" &&
    ! grep -q "^serverid=$LAB_TENTACLE_ADDRESS$" "$TEMP/lease" &&
    ! grep -q -e '^boot_file=' -e '^tftp=' "$TEMP/lease"
}

boot_file() { printf '%s/state/cache/boot/%s' "$TEMP" "$1"; }

tftp_hpa_fetches() {
  rm -f "$TEMP/fetched"
  on_machine "$1" tftp -m binary "$LAB_TENTACLE_ADDRESS" -c get "$2" "$TEMP/fetched"
  cmp "$TEMP/fetched" "$(boot_file "$2")"
}

tftp_hpa_stays_inside() {
  local name
  for name in ../../tentacle.key ../../../../../../etc/passwd /etc/passwd; do
    rm -f "$TEMP/fetched"
    on_machine "$1" tftp -m binary "$LAB_TENTACLE_ADDRESS" -c get "$name" "$TEMP/fetched"
    [ ! -s "$TEMP/fetched" ] || return 1
  done
}

atftp_fetches() {
  rm -f "$TEMP/fetched"
  on_machine "$1" atftp --option 'blksize 1432' --option 'tsize 0' --option 'timeout 2' --get --remote-file "$2" \
    --local-file "$TEMP/fetched" "$LAB_TENTACLE_ADDRESS" 69 && cmp "$TEMP/fetched" "$(boot_file "$2")"
}

boot_file_is_served() { [ "$(web_status "$1" "/boot/$2")" = 200 ] && cmp "$TEMP/body" "$(boot_file "$2")"; }

boot_file_size() {
  on_machine "$1" curl -fsSI --max-time 10 "http://$LAB_TENTACLE_ADDRESS:9080/boot/$2" | tr -d '\r' |
    grep -qx "Content-Length: $(stat -c %s "$(boot_file "$2")")"
}

# is_offered NUMBER FILE: what the machine's DHCPDISCOVER brings.
is_offered() {
  [ "$(on_machine "$1" python3 -B "$REPO/tests/seed/pxe_client.py" "$LAB_LAN_DEVICE" "$(mac_of "$1")")" = "$2" ]
}

# ipxe_is_offered_its_script NUMBER: it says so; a machine that loads it again and again and does not is a circle.
ipxe_is_offered_its_script() {
  on_machine "$1" python3 -B "$REPO/tests/seed/pxe_client.py" "$LAB_LAN_DEVICE" "$(mac_of "$1")" ipxe |
    grep -q "^http://$LAB_TENTACLE_ADDRESS:9080/boot.ipxe?mac=$(mac_of "$1")&"
}

# statuses_are TASK WORDS: each once for as long as it holds, in the order in which they came.
statuses_are() {
  seen "[.received[].message | select(.type == \"task.status\" and .taskId == \"$1\").status]
    | reduce .[] as \$s ([]; if .[-1] == \$s then . else . + [\$s] end) | join(\" \") == \"$2\""
}

# fetch_orders NUMBER: with the token of the script, as the ramdisk does.
fetch_orders() {
  local token
  script_is "$1" 200 || return 1
  token=$(sed -n 's/.*tentacle\.token=\([^ ]*\).*/\1/p' "$TEMP/body" | head -n 1)
  [ -n "$token" ] && [ "$(web_status "$1" "/orders?token=$token")" = 200 ] &&
    cp "$TEMP/body" "$TEMP/orders$1"
}

order() { sed -n "s/^$2 //p" "$TEMP/orders$1"; }

image_of_orders() {
  on_machine "$1" curl -fsS --max-time 20 -o "$TEMP/body" "$(order "$1" image_url)" &&
    [ "$(sha256sum <"$TEMP/body" | cut -d ' ' -f 1)" = "$(order "$1" image_sha256)" ] &&
    cmp "$TEMP/body" "$TEMP/images/5"
}

# report_all NUMBER TASK: every event of an installation.
report_all() {
  local event
  [ "$(order "$1" task_id)" = "$2" ] || return 1
  for event in booted downloading partitioning applying configuring firstboot 'done'; do
    on_machine "$1" curl -fsS --max-time 10 -X POST -H "Authorization: Bearer $(order "$1" callback_token)" \
      -H 'Content-Type: application/json' --data "{\"event\":\"$event\"}" "$(order "$1" callback_url)" || return 1
  done
}

# configuration: has no revision, is applied without a restart.
configuration() {
  local pxe
  pxe=$(service_pid pxe)
  send "$(task 2 42)"
  comes 'a second task is taken' script_is 2 200
  send '{"type":"config.update","config":{"log":{"level":"debug"}}}'
  comes 'config.update sets the level of the logs' debug_is_logged
  send '{"type":"config.update","config":{"pxe":{"enabled":false}}}'
  comes 'the next one switches PXE off' script_is 2 404
  send '{"type":"config.update","config":{"pxe":{"enabled":true}}}'
  comes 'and the one after it on' script_is 2 200
  check 'without a restart' [ "$(service_pid pxe)" = "$pxe" ]
}

# What only a log at level debug has: somebody asked for a file that is not there.
debug_is_logged() {
  on_machine 2 curl -sS --max-time 5 -o /dev/null "tftp://$LAB_TENTACLE_ADDRESS/no-such-file"
  grep '"event":"pxe.tftp_not_found".*"level":"debug"' "$LAB_DIR/tentacle.log"
}

cancellation() {
  send '{"type":"task.cancel","taskId":"42"}'
  comes 'task.cancel removes the task file' test ! -e "$(task_file 2)"
  check 'and the script' script_is 2 404
  comes 'task.status cancelled goes up' status_came 42 cancelled
  send '{"type":"task.cancel","taskId":"41"}'
  comes 'a complete task can be removed, too' test ! -e "$(task_file 1)"
}

# cut_line: what was sent stays sent, and nothing is sent twice in a connection.
cut_line() {
  local before ids
  comes 'nothing waits any more for acknowledgements that never come' nothing_waits
  ids=$(seen '[.received[].message.id // empty]')
  before=$(seen .connections)
  control /cut
  comes 'after a cut line it comes back' seen ".online and .connections > $before"
  comes 'and says its status' seen "any(.received[]; .connection > $before and .message.type == \"status\")"
  before=$(seen .connections)
  control /close
  comes 'after an orderly close, too' seen ".online and .connections > $before"
  comes 'with its status' seen "any(.received[]; .connection > $before and .message.type == \"status\")"
  check 'what was taken for delivered is not repeated' \
    seen "[.received[] | select(.connection >= $before).message.id // empty]
      | all(. as \$id | $ids | index(\$id) | not)"
  check 'no connection ever had an event twice' no_repeats
}

# `status` has a table with a row for each service, and columns of what waits there for the backend.
nothing_waits() {
  in_branch "$TENTACLE_BIN" status | awk '
    /^Service / { for (i = 1; i <= NF; i++) if ($i ~ /^(results|inventory|metrics)$/) counts[i] }
    /^(uplink|pxe|cache|discovery|agent) / { rows++; for (i in counts) waiting += $i }
    END { exit !(length(counts) > 0 && rows == 5 && waiting == 0) }'
}

no_repeats() {
  seen '[.received[] | select(.message.id) | "\(.connection) \(.message.id)"] | length == (unique | length)'
}

# backend_away: a task that is known already runs to its end; the statuses come later, in order.
backend_away() {
  local before
  send "$(task 2 43)"
  comes 'a third task is taken' status_came 43 waiting
  before=$(seen .connections)
  control /away
  comes 'the backend is away' fails seen .online
  check 'the machine is offered a boot file without a backend' is_offered 2 ipxe.efi
  check 'and gets its script and orders' fetch_orders 2
  check 'the image comes from the cache' image_of_orders 2
  check 'what the installer reports is taken meanwhile' report_all 2 43
  comes 'status says why the tentacle is offline' link_is_explained
  check 'nothing of it has reached the backend' fails status_came 43 complete
  control /back
  comes 'the tentacle comes back' seen ".online and .connections > $before"
  comes 'boot.detected arrives late' received ".type == \"boot.detected\" and .mac == \"$(mac_of 2)\""
  comes 'task.status complete arrives late' status_came 43 complete
  check 'the statuses came in order' statuses_are 43 'waiting booting installing complete'
  comes 'the status names the task as complete' \
    received '.type == "status" and any(.tasks[]; . == {"taskId": "43", "status": "complete"})'
}

# said_again: without acknowledgements a backend can only say its tasks again.
said_again() {
  send "$(task 2 43)"
  send "$(task 1 44)"
  comes 'a fourth task is taken' status_came 44 waiting
  check 'a task that is said again is not begun again' statuses_are 43 'waiting booting installing complete'
  send "$(task 2 45)"
  comes 'a new task takes the place of a complete one' status_came 45 waiting
  check 'in tasks/<mac>.json, too' file_has_task 2 45
  check 'the complete one stays complete' statuses_are 43 'waiting booting installing complete'
}

link_is_explained() {
  in_branch "$TENTACLE_BIN" status | grep -E '^Link +(backing off|connecting)[^:]*: .'
}

nothing_wrong() {
  comes 'nothing waits at the end' nothing_waits
  check 'no connection had an event twice to the end' no_repeats
  check 'every message was one of the documents' seen '.faults == []'
  # What a newer tentacle may ask for beyond the specification gets 404 and is done without.
  check 'routes beyond the specification were answered 404 and nothing else' only_spec_routes
  check 'no error in the logs of the tentacle' no_errors_logged
  check 'no word about missing acknowledgements in the logs' \
    fails grep -iE 'acknowledg|"ack"' "$LAB_DIR/tentacle.log"
  check 'no service was restarted' fails grep 'supervisor.child_ended' "$LAB_DIR/tentacle.log"
}

only_spec_routes() {
  seen 'all(.requests[]; .status == 404 or (.path | test(
    "^/api/v1/tentacles/(enroll|ws|images/[^/]+/(meta|pull))$")))'
}

# The example of a tentacle's configuration in the specification ("Data Model"), with PXE switched off.
example_of_the_specification() {
  check 'the machine of the fourth task gets its script' script_is 1 200
  send '{"type":"config.update","config":{"pxe_enabled":false,"cache_size_gb":100,
    "network_segment":"10.77.0.0/24","discovery_enabled":true,"discovery_interval_min":60}}'
  comes "the specification's example of a configuration is applied" script_is 1 404
}

no_errors_logged() {
  ! jq -cR 'fromjson? | select(.level == "error" or .level == "critical")' "$LAB_DIR/tentacle.log" | grep .
}
