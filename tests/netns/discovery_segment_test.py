#!/usr/bin/env python3
"""The discovery service on a segment of two hundred hosts that come, go, move and lie.

    discovery_segment_test.py OCTOFLEET_TENTACLE DISCOVERY_CLIENT

Prints "ok - ..." for each check. Exit code 77: skipped, with the reason. Needs root.
"""

import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "fuzz"))
TENTACLE, CLIENT = sys.argv[1:3]
TAG = f"ttdisco-{os.getpid()}"
HOSTS = 200
OWN = "10.91.0.254"
SWITCH = bytes.fromhex("001b21aabbcc")
ROGUE = bytes.fromhex("000c29666666")
PATIENCE_S = 60
LIES = 5000


def skip(reason):
    print(f"SKIPPED: {reason}")
    sys.exit(77)


def run(*words):
    subprocess.run(words, check=True, capture_output=True)


def check(what, condition, got=""):
    if not condition:
        raise SystemExit(f"not ok - {what}: {got}")
    print(f"ok - {what}", flush=True)


def mac_of(n):
    return f"00:0c:29:00:{n >> 8:02x}:{n & 255:02x}"


def ip_of(n):
    return f"10.91.0.{n}"


class World:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.service = self.farm = None
        for name in ("sw", "t", "f"):
            run("ip", "netns", "add", f"{TAG}-{name}")
        run("ip", "-n", f"{TAG}-sw", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
        run("ip", "-n", f"{TAG}-sw", "link", "set", "br0", "up")
        for name in ("t", "f"):
            run("ip", "-n", f"{TAG}-sw", "link", "add", f"p-{name}", "type", "veth", "peer", "name", "eth0", "netns", f"{TAG}-{name}")
            run("ip", "-n", f"{TAG}-sw", "link", "set", f"p-{name}", "master", "br0", "up")
            # A bridge keeps LLDP to itself, as a switch does, unless it is told otherwise.
            run("ip", "netns", "exec", f"{TAG}-sw", "sh", "-c", f"echo 16384 > /sys/class/net/p-{name}/brport/group_fwd_mask")
            run("ip", "-n", f"{TAG}-{name}", "link", "set", "lo", "up")
            run("ip", "-n", f"{TAG}-{name}", "link", "set", "eth0", "up")
        run("ip", "-n", f"{TAG}-t", "addr", "add", f"{OWN}/24", "dev", "eth0")
        run("ip", "-n", f"{TAG}-t", "route", "add", "default", "via", ip_of(1))
        self.env = dict(os.environ, TENTACLE_STATE_DIR=str(self.folder / "state"), TENTACLE_RUN_DIR=str(self.folder / "run"))
        for name in ("state", "run"):
            (self.folder / name).mkdir()
        (self.folder / "state/config.yaml").write_text(
            "discovery:\n  scan_interval_min: 0\n  probes_per_second: 2000\n  exclude: [10.91.0.250]\n")

    def in_ns(self, name, *words, **more):
        return subprocess.Popen(["ip", "netns", "exec", f"{TAG}-{name}", *words], env=self.env, text=True, **more)

    def start(self):
        self.log = open(self.folder / "log", "a")
        self.service = self.in_ns("t", TENTACLE, "discovery", stdout=self.log, stderr=self.log)
        self.farm = self.in_ns("f", sys.executable, str(HERE / "segment_farm.py"), "eth0", stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def order(self, *words):
        self.farm.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.farm.stdin.flush()
        return self.farm.stdout.readline().strip()

    def verb(self, *words, ok=True):
        until = time.monotonic() + PATIENCE_S
        while True:
            done = subprocess.run(["ip", "netns", "exec", f"{TAG}-t", TENTACLE, *words], env=self.env, text=True, capture_output=True)
            # The socket of a service that is starting.
            if done.returncode != 69 or time.monotonic() > until:
                break
            time.sleep(0.1)
        if ok and done.returncode != 0:
            raise SystemExit(f"not ok - {words}: {done.stderr}")
        return done

    def devices(self):
        return json.loads(self.verb("devices", "--format", "json").stdout).get("devices", [])

    def metric(self, name):
        text = subprocess.run(["ip", "netns", "exec", f"{TAG}-t", "curl", "-s", "http://127.0.0.1:9474/metrics"], text=True,
                              capture_output=True, check=True).stdout
        return float(next(line for line in text.splitlines() if line.startswith(name + " ")).split()[-1])

    def await_device(self, what, wanted):
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            found = [device for device in self.devices() if wanted(device)]
            if found:
                return found[0]
        raise SystemExit(f"not ok - {what} is not known")

    def event(self, kind, field, value):
        done = subprocess.run([CLIENT, str(self.folder / "run/discovery.sock"), "event", kind, field, value], text=True, capture_output=True)
        if done.returncode != 0:
            raise SystemExit(f"not ok - no event {kind} with {field} {value}: {done.stdout} {done.stderr}")
        return json.loads(done.stdout)

    def stop(self):
        code = 0
        if self.farm:
            self.farm.stdin.close()
            self.farm.wait()
        if self.service:
            self.service.send_signal(signal.SIGTERM)
            code = self.service.wait()
        return code

    def clean(self, failed):
        for process in (self.farm, self.service):
            if process and process.poll() is None:
                process.kill()
        if failed and (self.folder / "log").exists():
            print("--- the service's log\n" + "".join((self.folder / "log").read_text().splitlines(True)[-30:]))
        for name in ("sw", "t", "f"):
            subprocess.run(["ip", "netns", "del", f"{TAG}-{name}"], capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def inventory(devices):
    return {(d["mac"], d.get("ip", "")) for d in devices if not d.get("suspect") and d["mac"].startswith("00:0c:29:00")}


def truth(world):
    """Three rounds: a tenth comes and goes, a twentieth moves, two in a hundred have another's address."""
    address = {n: ip_of(n) for n in range(1, HOSTS + 1)}
    duplicates = {n: ip_of(n - 90) for n in range(101, 105)}
    for n, ip in address.items():
        world.order("host", mac_of(n), duplicates.get(n, ip))
    for round_number in range(3):
        for n in range(10, HOSTS, 10):
            world.order("gone" if round_number == 1 else "move", mac_of(n), address[n])
        for n in range(21, 31):
            address[n] = f"10.91.0.{n + 190 + round_number}" if n + 190 + round_number not in (250, 254) else address[n]
            world.order("move", mac_of(n), address[n])
        world.verb("scan", "--format", "none")
    found = inventory(world.devices())
    true = {(mac_of(n), duplicates.get(n, ip)) for n, ip in address.items() if ip != "10.91.0.250"}
    right = len(found & true)
    check(f"200 hosts, three rounds: precision {right / len(found):.3f} and recall {right / len(true):.3f} are 0.99 at least",
          right / len(found) >= 0.99 and right / len(true) >= 0.99, sorted(found ^ true)[:10])
    for ip in duplicates.values():
        alert = world.event("network.alert", "ip", ip)
        if alert["kind"] != "duplicate-address":
            raise SystemExit(f"not ok - {alert}")
    print("ok - every address that two cards have is told")


def listening(world):
    import make_discovery_corpus as corpus
    offer = corpus.dhcp(2, corpus.option(53, b"\x02") + corpus.option(54, corpus.ip(ip_of(201))), yiaddr=ip_of(77))
    world.order("frame", corpus.udp(ip_of(201), "255.255.255.255", 67, 68, offer, mac=SWITCH).hex())
    began = time.monotonic()
    evil = corpus.dhcp(2, corpus.option(53, b"\x02") + corpus.option(54, corpus.ip(ip_of(66))), yiaddr=ip_of(78),
                       siaddr=ip_of(67), file=b"pxelinux.0")
    for _ in range(3):
        world.order("frame", corpus.udp(ip_of(66), "255.255.255.255", 67, 68, evil, mac=ROGUE).hex())
    alert = world.event("dhcp.rogue", "ip", ip_of(66))
    check("a foreign offer with a boot file is a rogue's, told with its MAC and address",
          alert["mac"] == "00:0c:29:66:66:66" and alert["bootFile"] == "pxelinux.0" and "offers_boot" in alert["reasons"], alert)
    print(f"# the alert was there {time.monotonic() - began:.1f} s after the first offer")
    servers = json.loads(world.verb("devices", "--format", "json").stdout)["dhcpServers"]
    check("the servers are known with their verdicts", {s["ip"]: s["verdict"] for s in servers} ==
          {ip_of(201): "learned", ip_of(66): "rogue"}, servers)

    name = b"=cmd|' /C calc'!A0<script>\x1b[2J"
    host = bytes.fromhex(mac_of(9).replace(":", ""))
    world.order("frame", corpus.udp(ip_of(9), "224.0.0.251", 5353, 5353,
                                    corpus.dns(corpus.record(corpus.labels(name, b"local"), 1, corpus.ip(ip_of(9)))),
                                    corpus.MDNS_GROUP, host).hex())
    world.order("frame", corpus.frame(0x88CC, corpus.lldp(b"sw-floor2"), bytes.fromhex("0180c200000e"), SWITCH).hex())
    world.order("frame", corpus.cdp_frame(corpus.cdp(b"core-1")).hex())
    named = world.await_device("the name", lambda d: d["mac"] == mac_of(9) and d.get("hostname"))
    check("a name that is heard is the device's", named["names"][0]["source"] == "mdns", named)
    desk = bytes.fromhex(mac_of(12).replace(":", ""))
    world.order("frame", corpus.udp(ip_of(12), "10.91.0.255", 137, 137, corpus.netbios(b"DESK-12", address=ip_of(12)), mac=desk).hex())
    named = world.await_device("the NetBIOS name", lambda d: d["mac"] == mac_of(12) and d.get("hostname"))
    check("a NetBIOS name counts where there is no better one",
          [(n["source"], n["name"]) for n in named["names"]] == [("netbios", "DESK-12")], named)
    csv = world.verb("devices", "--format", "csv").stdout
    line = next(line for line in csv.splitlines() if mac_of(9) in line)
    check("a hostile name is no formula and no control character in the CSV",
          "\"'=cmd|' /C calc'!A0<script> [2J\"" in line and "\x1b" not in csv, line)
    log = (world.folder / "log").read_text()
    check("nor in the log", "\x1b" not in log and "\\u001b" not in log)
    topology = json.loads(world.verb("topology", "--format", "json").stdout)
    nodes = {node["id"]: node for node in topology["nodes"]}
    check("the switches and the gateway are in the topology",
          "switch:sw-floor2" in nodes and "switch:core-1" in nodes and nodes[f"device:{mac_of(1)}"]["kind"] == "gateway", list(nodes)[:8])
    check("as a graph it begins and ends as Graphviz wants it", world.verb("topology").stdout.strip().endswith("}"))


def tags(world):
    """Frames of a trunk: the card hands the tag over beside the frame."""
    import make_discovery_corpus as corpus

    def talk(n, vlan, sender):
        mac = bytes.fromhex(mac_of(n).replace(":", ""))
        data = corpus.frame(0x0806, corpus.arp(1, mac, sender, "10.20.0.1"), source=mac)
        world.order("frame", corpus.tagged(vlan, data).hex())

    talk(301, 20, "10.20.0.9")
    talk(5, 30, "10.30.0.5")
    neighbour = corpus.lldp(b"sw-tagged", more=corpus.tlv(127, b"\0\x80\xc2\x01\0\x28"))
    world.order("frame", corpus.frame(0x88CC, neighbour, bytes.fromhex("0180c200000e"), SWITCH).hex())
    known = world.await_device("a card that speaks with a tag", lambda d: d["mac"] == mac_of(301))
    check("who speaks with a tag is a device of that VLAN, with no address of ours", known["vlan"] == 20 and not known.get("ip"), known)
    known = world.await_device("a known card that speaks with a tag", lambda d: d["mac"] == mac_of(5) and d.get("vlan"))
    check("who has an address here too keeps it", known["vlan"] == 30 and known["ip"] == ip_of(5), known)
    edges = {(edge["from"], edge["to"], edge["evidence"]) for edge in json.loads(world.verb("topology", "--format", "json").stdout)["edges"]}
    check("the VLANs of talkers and of the port are in the topology, with the evidence",
          {(f"device:{mac_of(301)}", "vlan:20", "vlan-tag"), (f"device:{mac_of(5)}", "vlan:30", "vlan-tag"),
           ("switch:sw-tagged", "vlan:40", "lldp")} <= edges, [edge for edge in edges if "vlan" in edge[1]])


def manners(world):
    check("an excluded host never gets a packet", world.order("asked", "10.91.0.250") == "0", world.order("asked", "10.91.0.250"))
    done = world.verb("wake", "52:54:00:99:99:99", ok=False)
    check("who was never heard here is not woken", done.returncode == 1 and "never heard" in done.stderr, done.stderr)
    done = world.verb("wake", mac_of(2))
    check("who answers already was awake", "was-awake" in done.stdout, done.stdout)
    world.order("gone", mac_of(3))
    waking = world.in_ns("t", TENTACLE, "wake", mac_of(3), stdout=subprocess.PIPE)
    waking.stdout.readline()
    world.order("host", mac_of(3), ip_of(3))
    told = waking.stdout.read()
    waking.wait()
    check("a machine that wakes is told with the time it took", told.startswith("woke after") and "told by arp" in told, told)
    result = world.event("wake.result", "state", "woke")
    check("and so is the backend", result["mac"] == mac_of(3) and "udp" in result["methods"], result)
    record = next(d for d in world.devices() if d["mac"] == mac_of(3))["wakes"]
    check("and it counts for the methods", {w["method"]: w["woke"] for w in record} == {"udp": 1, "raw": 1}, record)


def lies(world, before):
    """Thousands of acknowledgements of made-up servers, and as many names of one card."""
    import make_discovery_corpus as corpus
    talker = bytes.fromhex(mac_of(8).replace(":", ""))

    def announce(name):
        data = corpus.dns(corpus.record(corpus.labels(name, b"local"), 1, corpus.ip(ip_of(8))))
        return corpus.udp(ip_of(8), "224.0.0.251", 5353, 5353, data, corpus.MDNS_GROUP, talker).hex()

    def acknowledge(n):
        server = f"10.91.{1 + n // 250}.{1 + n % 250}"
        data = corpus.dhcp(2, corpus.option(53, b"\x05") + corpus.option(54, corpus.ip(server)), yiaddr=ip_of(n % 200 + 1))
        return corpus.udp(server, "255.255.255.255", 67, 68, data, mac=ROGUE).hex()

    frames = world.folder / "lies"
    frames.write_text("".join(f"{acknowledge(n)}\n{announce(b'bomb-%d' % n)}\n" for n in range(LIES)))
    world.order("replay", frames, 2500)
    last = []
    until = time.monotonic() + PATIENCE_S
    while not last and time.monotonic() < until:
        world.order("frame", announce(b"honest"))
        last = [d for d in world.devices() if d["mac"] == mac_of(8) and d.get("hostname") == "honest"]
    check("after a bomb of names the next one counts, and it is the only one", last and len(last[0]["names"]) == 1, last)
    servers = json.loads(world.verb("devices", "--format", "json").stdout)["dhcpServers"]
    verdicts = {s["ip"]: s["verdict"] for s in servers}
    check("made-up servers are bounded, and the segment's own is still trusted",
          len(servers) <= 64 and verdicts.get(ip_of(201)) == "learned", verdicts)
    alerts = world.metric('tentacle_discovery_alerts_total{kind="rogue-dhcp"}')
    check("and told twenty times an hour at most", 1 < alerts <= 20, alerts)
    check("nobody who is here was lost", before <= inventory(world.devices()))


def spoof(world):
    import make_discovery_corpus as corpus
    thief = bytes.fromhex("000c29777777")
    world.order("frame", corpus.frame(0x0806, corpus.arp(2, thief, ip_of(1), OWN), source=thief).hex())
    alert = world.event("network.alert", "kind", "gateway-changed")
    check("who speaks for the gateway's address is told at once", alert["ip"] == ip_of(1) and alert["after"] == "00:0c:29:77:77:77", alert)
    known = world.await_device("the thief", lambda d: d["mac"] == "00:0c:29:77:77:77")
    check("and is suspect", known.get("suspect"), known)


def poison(world):
    before = inventory(world.devices())
    world.order("flood", 5000, 2500)
    alert = world.event("network.alert", "kind", "flood")
    check("a flood of made-up cards is one alert", alert["cards"] > 0, alert)
    devices = world.devices()
    suspects = [d for d in devices if d.get("suspect") and d["mac"].startswith("02:")]
    check("its cards are suspect and the others are still known", len(suspects) > 4000 and before <= inventory(devices), len(suspects))
    lies(world, before)
    rss = int(next(line.split()[1] for line in pathlib.Path(f"/proc/{world.service.pid}/status").read_text().splitlines()
                   if line.startswith("VmRSS")))
    print(f"# resident: {rss >> 10} MiB with {len(devices)} devices (this build may have sanitizers)")


def main():
    if os.geteuid() != 0:
        skip("network namespaces need root")
    if subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode != 0:
        skip("this host does not allow network namespaces")
    world = World()
    failed = True
    try:
        world.start()
        world.order("listen", "10.91.0.250")
        world.verb("devices")
        truth(world)
        listening(world)
        tags(world)
        manners(world)
        spoof(world)
        poison(world)
        code = world.stop()
        check("the service ends in order", code == 0, code)
        failed = False
    finally:
        world.clean(failed)


main()
