#!/usr/bin/env python3
"""One measurement of area agent: agent_measure.py WHAT BASE KEY_FILE NODE [PID]. Prints "NAME VALUE" lines."""

import re
import subprocess
import sys
import time
import pathlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/agent"))
from viewer import Backend, open_shell, rss_kib  # noqa: E402

ECHOES = 300
OUTPUT_BYTES = 100_000_000


def metrics(port):
    text = subprocess.run(["curl", "-sf", f"http://127.0.0.1:{port}/metrics"], check=True, capture_output=True, text=True).stdout
    values = {}
    for line in text.splitlines():
        match = re.match(r"tentacle_agent_collector_duration_seconds_(sum|count)\{collector=\"(\w+)\"\} (\S+)", line)
        if match:
            values[match[1], match[2]] = float(match[3])
    return values


def peak_kib(pid):
    with open(f"/proc/{pid}/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def inventory(backend, node, pid, port):
    """Time of all collectors together, and the memory that one inventory takes beyond what is there already."""
    before = metrics(port)
    rss = rss_kib(pid)
    with open(f"/proc/{pid}/clear_refs", "w") as reset:
        reset.write("5")  # The peak begins anew (proc(5)).
    backend.call("POST", "/api/v1/jobs", {"targetType": "device", "targetId": node, "commandType": "inventory", "commandData": {}})
    count = before.get(("count", "smart"), 0)
    until = time.monotonic() + 60
    while metrics(port).get(("count", "smart"), 0) == count and time.monotonic() < until:
        time.sleep(0.1)
    after = metrics(port)
    names = {name for kind, name in after if kind == "sum" and name != "sample"}
    print("inventory", round(1000 * sum(after["sum", n] - before.get(("sum", n), 0) for n in names)))
    print("inventory_memory", round(max(0, peak_kib(pid) - rss) / 1024, 2))


def sample(backend, node, pid, port):
    before = metrics(port)
    for seen, _ in enumerate(backend.events(f"/api/v1/nodes/{node}/metrics/live")):
        if seen == 10:
            break
    after = metrics(port)
    spent = after["sum", "sample"] - before["sum", "sample"]
    print("sample", round(1000 * spent / (after["count", "sample"] - before["count", "sample"]), 3))


def echo(backend, node, pid, port):
    """A key to its echo: viewer, backend, uplink, agent, terminal and back."""
    _, shell = open_shell(backend, node)
    shell.until_ready()
    shell.type("stty -icanon; exec cat\n")
    shell.until("exec cat")
    time.sleep(0.5)
    times = []
    for i in range(ECHOES):
        shell.text = ""
        letter = chr(ord("a") + i % 26)
        began = time.perf_counter()
        shell.type(letter)
        shell.until(letter)
        times.append(1000 * (time.perf_counter() - began))
        time.sleep(0.005)
    shell.send({"type": "stop"})
    times.sort()
    print("echo_median", round(times[len(times) // 2], 2))
    print("echo_p95", round(times[int(len(times) * 0.95)], 2))


def output(backend, node, pid, port):
    """100 MB of a job's output, and what they leave in the agent's memory at most."""
    rss = rss_kib(pid)
    with open(f"/proc/{pid}/clear_refs", "w") as reset:
        reset.write("5")
    began = time.monotonic()
    job, _ = backend.job(node, {"script": f"head -c {OUTPUT_BYTES} /dev/zero | tr '\\0' a"}, timeoutSeconds=600)
    result = backend.result(job, 600)
    assert result["stdoutBytes"] == OUTPUT_BYTES, result
    print("output_memory", round(max(0, peak_kib(pid) - rss) / 1024, 2))
    print("output_time", round(time.monotonic() - began, 2))


if __name__ == "__main__":
    what, base, key_file, node_id, agent_pid, agent_port = sys.argv[1:7]
    {"inventory": inventory, "sample": sample, "echo": echo, "output": output}[what](
        Backend(base, key_file), node_id, int(agent_pid), int(agent_port))
