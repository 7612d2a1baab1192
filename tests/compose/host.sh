# shellcheck shell=bash
# compose.host.yaml: the agent's container manages the host around it; to be sourced by compose_test.sh. The host is the
# machine of the test itself.
# shellcheck disable=SC2317  # Many functions are called by expect and wait_for alone.

HOST_FIRST=1   # The first process of what is the host for `pid: host`.

check_host() {
  local job result
  # As who runs it without the file: jobs are off, and the host is out of sight.
  expect 'without compose.host.yaml: the agent is in its container' agent_in_container
  if ! readlink /proc/1/ns/mnt >/dev/null; then
    echo '# the first process of this machine lets nobody in: the engine is made the first one of a namespace'
    engine_is_first || not_ok 'an engine that is the first process'
  fi
  TENTACLE_AGENT_JOBS_ENABLED=true branch -f compose.yaml -f compose.host.yaml up -d --no-build agent >"$TEMP/host.log" 2>&1
  if ! wait_for 60 host_managed; then
    show_tail "$TEMP/host.log"
    not_ok 'with compose.host.yaml: the agent is ready'
    return
  fi
  ok 'with compose.host.yaml: the agent is ready'
  expect 'its inventory has the packages of the host' wait_for 30 host_packages
  expect 'an update of itself is refused: in a container the image is the update' update_refused
  job=$(host_job) || not_ok 'the backend takes a job'
  wait_for 60 job_ended "$job"
  result=$(job_output "$job")
  expect 'a job runs as the root of the host, in its namespaces and sees its files' test "$result" = "$(host_itself)"
  expect 'and finds the container'"'"'s own programs not there' grep -qx 'no octofleet-tentacle' <<<"$result"
  branch -f compose.yaml -f compose.host.yaml stop agent >>"$TEMP/host.log" 2>&1
  expect 'stopped: nothing of its jobs is left on the host' no_traces
  branch up -d --no-build agent >>"$TEMP/host.log" 2>&1
  expect 'without compose.host.yaml again: as before' wait_for 60 as_before
}

# All containers come back with it.
engine_is_first() {
  engine_stop
  engine_start machine "$TEMP/engine" && HOST_FIRST=$(engine_process) &&
    backend up -d --no-build >"$TEMP/machine.log" 2>&1 && wait_for 60 backend_healthy &&
    branch up -d --no-build >>"$TEMP/machine.log" 2>&1 && wait_for 90 all_healthy
}

agent_in_container() { ! "$DOCKER" logs "$(container agent)" 2>&1 | grep -q '"agent.host_around"'; }

agent_ready() { inside curl -fsS --max-time 2 "http://127.0.0.1:$(admin_port agent)/readyz"; }

host_managed() { agent_ready && "$DOCKER" logs "$(container agent)" 2>&1 | grep -q '"agent.host_around"'; }

as_before() { agent_ready && agent_in_container && as_declared agent; }

the_node() { api GET /api/v1/nodes | jq -r '.nodes[0].id'; }

host_packages() {
  api GET "/api/v1/nodes/$(the_node)/inventory" |
    jq -e --argjson count "$(dpkg-query -W -f '${db:Status-Status}\n' | grep -cx installed)" '.software.count == $count'
}

update_refused() { agent_ready | grep -q 'in a container the image is the update'; }

# The two say the same, in a job of the agent and here.
HOST_SCRIPT='id -u; id -G; readlink /proc/self/ns/mnt /proc/self/ns/uts; cat TEMP/word; pwd | cut -d/ -f 1-4
[ -e /usr/local/bin/octofleet-tentacle ] || echo no octofleet-tentacle; grep -c octofleet-jobs /proc/self/cgroup'

host_job() {
  echo 'a word of the host' >"$TEMP/word"
  api POST /api/v1/jobs "$(jq -n --arg node "$(the_node)" --arg script "${HOST_SCRIPT//TEMP/$TEMP}" \
    '{targetType: "device", targetId: $node, commandType: "script", commandData: {script: $script}}')" | jq -r .id
}

job_ended() { api GET "/api/v1/jobs/$1" | jq -e '.instances[0].success != null'; }

job_output() { api GET "/api/v1/jobs/$1" | jq -r '.instances[0] | .stdout + .stderr + .errorMessage'; }

host_itself() {
  id -u root
  id -G root
  readlink "/proc/$HOST_FIRST/ns/mnt" "/proc/$HOST_FIRST/ns/uts"
  cat "$TEMP/word"
  echo /var/tmp/octofleet-tentacle-jobs
  [ -e /usr/local/bin/octofleet-tentacle ] || echo no octofleet-tentacle
  host_groups
}

# In how many hierarchies of control groups a job of the agent has one of its own: in version 2 there is one.
host_groups() {
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then echo 1; else echo 2; fi
}

no_traces() {
  [ -z "$(ls -A /var/tmp/octofleet-tentacle-jobs 2>/dev/null)" ] &&
    [ -z "$(find /sys/fs/cgroup -maxdepth 2 -name octofleet-jobs 2>/dev/null)" ]
}
