#!/bin/bash
# A thousand clients that are slow in every way slowhttptest(1) knows, at the two HTTP ports of a branch, while another
# machine goes on asking: it is always answered (bar D1).
#
#   slow_clients_test.sh OCTOFLEET_TENTACLE [SECONDS]
#
# SECONDS is how long each attack lasts (60). Exit code 77: skipped, with the reason.
set -euo pipefail

tentacle=$1
seconds=${2-60}

skip() { echo "SKIPPED: $1"; exit 77; }
[ "$(id -u)" = 0 ] || skip "network namespaces need root"
for tool in ip curl slowhttptest; do
  command -v "$tool" >/dev/null || skip "$tool is not installed"
done
unshare --net true 2>/dev/null || skip "this host does not allow network namespaces"

tag=ttslow-$$
scratch=$(mktemp -d)
pids=()
clean_up() {
  local code=$? name
  trap - EXIT
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  for name in server slow good; do ip netns del "$tag-$name" 2>/dev/null || true; done
  if [ $code -ne 0 ] && [ $code -ne 77 ]; then tail -n 20 "$scratch"/*.log 2>/dev/null || true; fi
  rm -rf "$scratch"
  exit $code
}
trap clean_up EXIT
trap 'exit 130' INT TERM
fail() { echo "not ok - $1"; exit 1; }
in_ns() { ip netns exec "$tag-$1" "${@:2}"; }

for name in server slow good; do ip netns add "$tag-$name"; ip -n "$tag-$name" link set lo up; done
number=0
for name in slow good; do
  ip -n "$tag-server" link add "s$number" type veth peer name eth0 netns "$tag-$name"
  ip -n "$tag-server" addr add "10.93.$number.1/24" dev "s$number"
  ip -n "$tag-server" link set "s$number" up
  ip -n "$tag-$name" addr add "10.93.$number.10/24" dev eth0
  ip -n "$tag-$name" link set eth0 up
  number=$((number + 1))
done

mac=52:54:00:93:00:0a
mkdir -p "$scratch/state/tasks" "$scratch/state/cache/boot/ramdisk" "$scratch/run"
for file in vmlinuz initrd.img; do echo "$file" >"$scratch/state/cache/boot/ramdisk/$file"; done
printf '{"task":{"id":"t1","mac":"%s","hostname":"pc","imageId":"","osType":"local-boot","platform":"kvm-libvirt","network":{"dhcp":true}},"progress":{"status":"waiting"},"orders":{}}\n' \
  "$mac" >"$scratch/state/tasks/${mac//:/-}.json"
openssl genpkey -algorithm ed25519 -out "$scratch/state/tentacle.key" 2>/dev/null && chmod 600 "$scratch/state/tentacle.key"
# An image that is large enough to be read slowly, and a backend that has it.
cat >"$scratch/origin.py" <<'PYTHON'
import hashlib, http.server, json, os
image = os.urandom(8 << 20)
sha256 = hashlib.sha256(image).hexdigest()
class Origin(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        what = self.path.rpartition("/")[2]
        meta = json.dumps({"name": "large", "sizeBytes": len(image), "sha256": sha256}).encode()
        body = {"meta": meta, "pull": image}.get(what, b"")
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{sha256}"')
        self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer(("127.0.0.1", 8099), Origin).serve_forever()
PYTHON
ip netns exec "$tag-server" python3 "$scratch/origin.py" >"$scratch/origin.log" 2>&1 &
pids+=($!)
printf 'backend:\n  url: http://127.0.0.1:8099\nnode:\n  id: "1"\n' >"$scratch/state/config.yaml"
export TENTACLE_STATE_DIR=$scratch/state TENTACLE_RUN_DIR=$scratch/run
for service in pxe cache; do
  ip netns exec "$tag-server" "$tentacle" "$service" >"$scratch/$service.log" 2>&1 &
  pids+=($!)
done

# probe PORT PATH: the status and the milliseconds of one answer, of 4 KiB at most.
probe() { in_ns good curl -s -o /dev/null --max-time 5 -r 0-4095 -w '%{http_code} %{time_total}\n' "http://10.93.1.1:$1$2" || true; }
# What each port answers while nobody else asks, once the image is there.
declare -A wanted
targets=("9080 /boot.ipxe?mac=$mac" "9081 /images/large")
for target in "${targets[@]}"; do
  read -r port path <<<"$target"
  until wanted[$port]=$(probe "$port" "$path" | cut -d' ' -f1) && [[ ${wanted[$port]} == 20* ]]; do
    kill -0 "${pids[@]}" || fail "a service has ended"
  done
done

for target in "${targets[@]}"; do
  read -r port path <<<"$target"
  for attack in '-H' '-B' '-X -k 3' '-R'; do
    # shellcheck disable=SC2086  # Words.
    in_ns slow slowhttptest -c 1000 $attack -i 10 -r 200 -l "$seconds" -p 2 -u "http://10.93.0.1:$port$path" \
      >"$scratch/attack.log" 2>&1 &
    attacker=$!
    : >"$scratch/probes"
    while kill -0 "$attacker" 2>/dev/null; do probe "$port" "$path" >>"$scratch/probes"; done
    wait "$attacker" || true
    asked=$(wc -l <"$scratch/probes")
    good=$(grep -c "^${wanted[$port]} " "$scratch/probes" || true)
    p99=$(awk '{ print $2 * 1000 }' "$scratch/probes" | sort -n | awk -v n="$asked" 'NR >= n * 0.99 { print; exit }')
    [ "$asked" -ge 50 ] || fail "$port under $attack: only $asked questions were asked"
    [ "$good" = "$asked" ] || fail "$port under slowhttptest $attack: $good of $asked were answered ${wanted[$port]}: $(sort "$scratch/probes" | cut -d' ' -f1 | uniq -c | tr '\n' ' ')"
    echo "ok - $port under slowhttptest $attack: $asked of $asked answered, 99 % within $p99 ms"
  done
done
kill -0 "${pids[@]}" || fail "a service has ended"
echo "ok - both services are still up"
