#!/usr/bin/env python3
"""Measures discovery on a segment of its own: discovery_segment.py TENTACLE BIN_DIR RUNS FOLDER PART...

Prints "sample NAME VALUE" for each run. Thirty hosts in namespaces on a bridge; the tentacle's wire to the bridge can
lose frames (faulty_wire). The peers run in the tentacle's namespace, one after the other.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

TENTACLE, BIN, RUNS, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), pathlib.Path(sys.argv[4])
PARTS = sys.argv[5:]
REPO = pathlib.Path(__file__).resolve().parent.parent
TAG = f"ttdisco-b{os.getpid()}"
HOSTS = [2 + 8 * n for n in range(30)]
PORT_HOSTS = 5
LISTENING = [22, 25, 80, 110, 443, 631, 993]
STORM_PER_SECOND = 20_000
STORM_SECONDS = 10
MANY = 10_000


def run(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def sample(name, value):
    print(f"sample {name} {value:.3f}" if isinstance(value, float) else f"sample {name} {value}", flush=True)


class Farm:
    """segment_farm.py in place of the segment."""

    def __init__(self, process):
        self.process = process

    def order(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        return self.process.stdout.readline().strip()


class Bench:
    def __init__(self):
        self.processes = []
        self.service = self.wire = None
        self.spaces = []
        self.run_number = 0

    def space(self, name):
        run("ip", "netns", "add", f"{TAG}-{name}")
        self.spaces.append(name)
        run("ip", "-n", f"{TAG}-{name}", "link", "set", "lo", "up")

    def ip(self, space, *words):
        return run("ip", "-n", f"{TAG}-{space}", *words)

    def build(self):
        self.space("sw")
        self.ip("sw", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
        self.ip("sw", "link", "set", "br0", "up")
        self.space("t")
        # The tentacle's wire has two ends in a namespace between.
        self.space("w")
        self.ip("w", "link", "add", "w0", "type", "veth", "peer", "name", "eth0", "netns", f"{TAG}-t")
        self.ip("w", "link", "add", "w1", "type", "veth", "peer", "name", "p-t", "netns", f"{TAG}-sw")
        for end in ("w0", "w1"):
            self.ip("w", "link", "set", end, "up")
        self.ip("t", "link", "set", "eth0", "up")
        self.ip("sw", "link", "set", "p-t", "master", "br0", "up")
        for host in HOSTS:
            name = f"h{host}"
            self.space(name)
            self.ip("sw", "link", "add", f"p-{name}", "type", "veth", "peer", "name", "eth0", "netns", f"{TAG}-{name}")
            self.ip("sw", "link", "set", f"p-{name}", "master", "br0", "up")
            self.ip(name, "link", "set", "eth0", "up")
            self.ip(name, "addr", "add", f"10.92.0.{host}/16", "dev", "eth0")

    def address(self, prefix):
        self.ip("t", "addr", "flush", "dev", "eth0")
        self.ip("t", "addr", "add", f"10.92.0.1/{prefix}", "dev", "eth0")

    def popen(self, space, *words, **more):
        process = subprocess.Popen(["ip", "netns", "exec", f"{TAG}-{space}", *words], **more)
        self.processes.append(process)
        return process

    def lay_wire(self, loss, seed):
        if self.wire:
            self.take_wire_away()
        self.wire = self.popen("w", str(BIN / "tests/faulty_wire"), "w0", "w1", f"loss={loss}", f"seed={seed}", stdout=subprocess.PIPE, text=True)
        if self.wire.stdout.readline().strip() != "open":
            raise SystemExit("the wire cannot be laid")

    def lay_straight(self):
        """Where nothing is to get lost and a program in between would be what is measured: the kernel's bridge."""
        if self.wire:
            self.take_wire_away()
        self.ip("w", "link", "add", "straight", "type", "bridge", "mcast_snooping", "0", "forward_delay", "0")
        self.ip("w", "link", "set", "straight", "up")
        for end in ("w0", "w1"):
            self.ip("w", "link", "set", end, "master", "straight")

    def take_straight_away(self):
        self.ip("w", "link", "del", "straight")

    def farm(self):
        return Farm(self.popen("w", sys.executable, str(REPO / "tests/netns/segment_farm.py"), "w0", stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True))

    def take_wire_away(self):
        self.end(self.wire)
        self.wire = None

    def end(self, process):
        process.send_signal(signal.SIGTERM)
        process.wait()
        self.processes.remove(process)

    def start(self, config):
        self.run_number += 1
        self.home = FOLDER / f"tentacle{self.run_number}"
        for name in ("state", "run"):
            (self.home / name).mkdir(parents=True)
        (self.home / "state/config.yaml").write_text("discovery:\n  scan_interval_min: 0\n" + config)
        self.env = dict(os.environ, TENTACLE_STATE_DIR=str(self.home / "state"), TENTACLE_RUN_DIR=str(self.home / "run"))
        self.log = self.home / "log"
        self.service = self.popen("t", TENTACLE, "discovery", env=self.env, stdout=open(self.log, "w"), stderr=subprocess.STDOUT)
        until = time.monotonic() + 30
        while self.verb("devices").returncode != 0:
            if time.monotonic() > until:
                raise SystemExit("discovery does not start: " + self.log.read_text()[-500:])
            time.sleep(0.1)

    def stop(self):
        self.end(self.service)
        self.service = None

    def verb(self, *words):
        return subprocess.run(["ip", "netns", "exec", f"{TAG}-t", TENTACLE, *words], env=self.env, capture_output=True, text=True)

    def timed(self, *words):
        began = time.monotonic()
        out = subprocess.run(["ip", "netns", "exec", f"{TAG}-t", *words], env=dict(os.environ, **getattr(self, "env", {})),
                             capture_output=True, text=True)
        if out.returncode != 0:
            raise SystemExit(f"{words}: {out.stderr[-300:]}")
        return time.monotonic() - began, out.stdout

    def out_of(self, space, *words):
        return run("ip", "netns", "exec", f"{TAG}-{space}", *words).split()

    def status(self, field):
        text = pathlib.Path(f"/proc/{self.service.pid}/status").read_text()
        return int(re.search(rf"{field}:\s+(\d+)", text)[1]) / 1024

    def ticks(self):
        fields = pathlib.Path(f"/proc/{self.service.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def metric(self, line):
        text = subprocess.run(["ip", "netns", "exec", f"{TAG}-t", "curl", "-s", "http://127.0.0.1:9474/metrics"], capture_output=True,
                              text=True).stdout
        found = re.search(rf"^{re.escape(line)} (\S+)", text, re.M)
        return float(found[1]) if found else 0.0

    def clean(self):
        for process in self.processes:
            process.kill()
            process.wait()
        for name in self.spaces:
            subprocess.run(["ip", "netns", "del", f"{TAG}-{name}"], capture_output=True)


def found_by(text):
    return set(re.findall(r"\b10\.92\.0\.(\d+)\b", text)) - {"1"}


def sweep(bench, number):
    compare(bench, "sweep")


def loss(bench, number):
    bench.lay_wire(0.1, number + 1)
    compare(bench, "loss")
    bench.lay_wire(0, 1)


def compare(bench, kind):
    """One sweep of each, ours first. The kernel's own neighbours play no part: all three send their own frames."""
    true = {str(host) for host in HOSTS}
    bench.start("")
    seconds, _ = bench.timed(TENTACLE, "scan", "--rate", "2000", "--format", "none")
    ours = {d["ip"].split(".")[-1] for d in json.loads(bench.verb("devices", "--format", "json").stdout).get("devices", []) if d.get("ip")}
    bench.stop()
    arp_seconds, arp = bench.timed("arp-scan", "--interface", "eth0", "--localnet", "--plain")
    nmap_seconds, nmap = bench.timed("nmap", "-sn", "-n", "10.92.0.0/24")
    if kind == "sweep":
        sample("sweep_ours", seconds)
        sample("sweep_arp_scan", arp_seconds)
        sample("sweep_nmap", nmap_seconds)
        sample("found_ours", len(ours & true))
        sample("invented_ours", len(ours - true))
        print(f"found: arp-scan {len(found_by(arp) & true)}, nmap {len(found_by(nmap) & true)} of {len(true)}")
        return
    sample("loss_ours", len(ours & true))
    sample("loss_arp_scan", len(found_by(arp) & true))
    sample("loss_nmap", len(found_by(nmap) & true))


LISTENER = "import socket,signal\nkept=[]\nfor port in %r:\n s=socket.socket(); s.bind(('', port)); s.listen(); kept.append(s)\nprint('ready',flush=True)\nsignal.pause()"


def log_time(bench, event):
    for line in bench.log.read_text().splitlines():
        entry = json.loads(line)
        if event in line:
            whole, fraction = entry["ts"].rstrip("Z").split(".")
            return time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float("0." + fraction)
    return None


def ports(bench, number):
    bench.lay_straight()
    bench.start("  ports: [1-1000]\n  networks: [" + ", ".join(f"10.92.0.{host}" for host in HOSTS[:PORT_HOSTS]) + "]\n")
    bench.timed(TENTACLE, "scan", "--rate", "2000", "--format", "none")
    until = time.monotonic() + 120
    while "discovery.port_scan_finished" not in bench.log.read_text():
        if time.monotonic() > until:
            raise SystemExit("the port scan does not end")
        time.sleep(0.05)
    began = log_time(bench, "discovery.port_scan_started")
    sample("ports_ours", log_time(bench, "discovery.ports_known") - began)
    sample("ports_greeted", log_time(bench, "discovery.port_scan_finished") - began)
    ours = {(d["ip"], p["port"]) for d in json.loads(bench.verb("devices", "--format", "json").stdout)["devices"] for p in d.get("ports", [])}
    bench.stop()
    targets = [f"10.92.0.{host}" for host in HOSTS[:PORT_HOSTS]]
    seconds, out = bench.timed("nmap", "-sT", "-Pn", "-n", "-p1-1000", "-oG", "-", *targets)
    sample("ports_nmap", seconds)
    theirs = {(host, int(port)) for host, rest in re.findall(r"Host: (\S+) .*Ports: (.*)", out) for port in re.findall(r"(\d+)/open", rest)}
    sample("ports_differ", len(ours ^ theirs))
    print(f"open ports: ours {len(ours)}, nmap {len(theirs)}, true {PORT_HOSTS * len(LISTENING)}")
    bench.take_straight_away()
    bench.lay_wire(0, 1)


def large(bench, number):
    bench.address(16)
    bench.start("  allow_large_networks: true\n")
    pathlib.Path(f"/proc/{bench.service.pid}/clear_refs").write_text("5")  # The peak of the start does not count.
    before = bench.status("VmRSS")
    seconds, _ = bench.timed(TENTACLE, "scan", "--rate", "5000", "--format", "none")
    sample("large_sweep", seconds)
    sample("large_memory", bench.status("VmHWM") - before)
    bench.stop()
    bench.address(24)


def storm(bench, number):
    """Straight into the tentacle's end: a bridge would copy each frame to thirty hosts."""
    bench.take_wire_away()
    bench.address(16)
    bench.start("")
    corpus = REPO / "tests/data/corpus/frames"
    files = [str(corpus / name) for name in ("arp_reply", "discover", "mdns", "arp_reply", "netbios", "lldp", "arp_reply", "offer")]
    count = STORM_PER_SECOND * STORM_SECONDS
    before = bench.ticks()
    sent, seconds = bench.out_of("w", str(BIN / "bench/frame_storm"), "w0", str(STORM_PER_SECOND), str(count), "2000", *files)
    time.sleep(16)  # The counter is read from the kernel every 15 s.
    used = (bench.ticks() - before) / os.sysconf("SC_CLK_TCK")
    lost = bench.metric('tentacle_discovery_frames_dropped_total{reason="capture_buffer_full"}')
    told = sum(bench.metric(f'tentacle_discovery_frames_total{{protocol="{p}"}}') for p in ("arp", "dhcp", "mdns", "lldp", "netbios"))
    sample("storm_lost", int(lost))
    sample("storm_cpu", 100 * used / float(seconds))
    sample("storm_told", 100 * told / int(sent))
    print(f"storm: {sent} frames in {seconds} s, {told:.0f} told something, {lost:.0f} lost")
    bench.stop()
    bench.address(24)
    bench.lay_wire(0, 1)


def rogue(bench, number):
    """From a foreign server's offer to the alert, which becomes an event in the same moment."""
    bench.take_wire_away()
    bench.start("  dhcp_servers: [10.92.0.250]\n")
    farm = bench.farm()
    farm.order("frame", (REPO / "tests/data/corpus/frames/rogue").read_bytes().hex())
    began = time.monotonic()
    while bench.metric('tentacle_discovery_alerts_total{kind="rogue-dhcp"}') == 0:
        if time.monotonic() > began + 60:
            raise SystemExit("the rogue server is not told")
    sample("rogue_alert", time.monotonic() - began)
    bench.stop()
    bench.end(farm.process)
    bench.lay_wire(0, 1)


def devices(bench, number):
    """Ten thousand that answer one sweep, from one process in place of the segment."""
    bench.take_wire_away()
    bench.address(16)
    farm = bench.farm()
    for n in range(MANY):
        farm.order("host", f"00:1c:42:00:{n >> 8:02x}:{n & 255:02x}", f"10.92.{1 + n // 250}.{1 + n % 250}")
    bench.start("  allow_large_networks: true\n")
    bench.timed(TENTACLE, "scan", "--rate", "5000", "--format", "none")
    time.sleep(20)  # Until they are stored and reported.
    known = bench.metric("tentacle_discovery_devices")
    sample("devices_known", int(known))
    sample("devices_rss", bench.status("VmHWM"))
    bench.stop()
    bench.end(farm.process)
    bench.address(24)
    bench.lay_wire(0, 1)


def interrupted(signum, frame):
    raise SystemExit(128 + signum)


def main():
    signal.signal(signal.SIGTERM, interrupted)
    bench = Bench()
    try:
        bench.build()
        bench.address(24)
        bench.lay_wire(0, 1)
        for host in HOSTS[:PORT_HOSTS]:
            bench.popen(f"h{host}", sys.executable, "-c", LISTENER % LISTENING, stdout=subprocess.PIPE).stdout.readline()
        for number in range(RUNS):
            for part in PARTS:
                {"sweep": sweep, "loss": loss, "ports": ports, "large": large, "storm": storm, "rogue": rogue, "devices": devices}[part](bench, number)
    finally:
        bench.clean()


main()
