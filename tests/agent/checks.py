#!/usr/bin/env python3
"""The checks of agent_test.sh: checks.py BASE KEY_FILE NODE PART [PIDS]. Prints "ok - ..." and "not ok - ..."."""

import json
import os
import sys
import time

from viewer import Backend, Refused, Shell, open_shell, rss_kib

FAILED = []
# agent_test.sh looks for it wherever something is kept.
MARKER = "m4rker-that-nothing-may-keep"


def check(name, good, seen=""):
    print(f"{'ok' if good else 'not ok'} - {name}" + ("" if good else f": {str(seen)[:400]}"), flush=True)
    if not good:
        FAILED.append(name)


def jobs(backend, node):
    job, _ = backend.job(node, {"script": "echo out; echo err >&2; exit 3"})
    result = backend.result(job)
    check("a signed job runs and its result comes back",
          (result["status"], result["exitCode"], result["stdout"], result["stderr"]) == ("failed", 3, "out\n", "err\n"), result)
    job, _ = backend.job(node, {"command": ["/bin/echo", "$(id)", "a;b"]}, "command")
    check("a command is a list that no shell reads", backend.result(job)["stdout"] == "$(id) a;b\n")
    job, _ = backend.job(node, {"script": "id -un; cat; cat f", "user": "nobody", "input": "typed\n",
                                "files": [{"name": "f", "content": "kept\n"}]})
    result = backend.result(job)
    check("user, input and files", result["stdout"] == "nobody\ntyped\nkept\n", result)
    job, _ = backend.job(node, {"script": "wc -c <$CREDENTIALS_DIRECTORY/db", "credentials": {"db": MARKER}})
    check("a job has its credentials as files", backend.result(job)["stdout"] == f"{len(MARKER)}\n", backend.result(job))
    for what, kind, data in (("an option for a package", "package", {"action": "install", "packages": ["--now"]}),
                             ("a command without a path", "command", {"command": ["ls"]}),
                             ("a unit that is none", "service", {"action": "start", "unit": "x; id"})):
        status, answer = backend.call("POST", "/api/v1/jobs", {"targetType": "device", "targetId": node,
                                                               "commandType": kind, "commandData": data})
        check(f"{what} is refused with the field's name", status == 422, answer)
    job, instance = backend.job(node, {"script": "for i in 1 2 3 4 5 6; do echo tick $i; sleep 0.3; done"})
    seen = ""
    for event, data in backend.events(f"/api/v1/jobs/{job}/instances/{instance}/output"):
        if event == "output":
            seen += data["data"]
        if event == "end":
            break
    check("output is seen while it is written", [f"tick {i}" in seen for i in range(1, 7)] == [True] * 6, seen)
    job, _ = backend.job(node, {"script": "sleep 1000"})
    backend.until(lambda: backend.call("GET", f"/api/v1/jobs/{job}")[1]["instances"][0]["status"] == "running")
    check("a job that runs is cancelled", backend.call("DELETE", f"/api/v1/jobs/{job}")[0] == 202 and
          backend.result(job)["status"] == "cancelled")
    check("one that has ended is not", backend.call("DELETE", f"/api/v1/jobs/{job}")[0] == 409)
    status, _ = backend.call("POST", "/api/v1/jobs", {"targetType": "device", "targetId": node, "commandType": "inventory",
                                                      "commandData": {}})
    check("an inventory is asked for", status == 202)

    def whole_inventory():
        inventory = backend.call("GET", f"/api/v1/nodes/{node}/inventory")[1]
        return inventory if "security" in inventory else None

    inventory = backend.until(whole_inventory) or {}
    check("the inventory has its parts", set(inventory) >= {"hardware", "os", "software", "services", "network", "security",
                                                            "storageHealth", "containers"}, list(inventory))
    samples = []
    for event, data in backend.events(f"/api/v1/nodes/{node}/metrics/live"):
        samples.append(data)
        if len(samples) == 2:
            break
    check("figures come every second to who looks on", "cpuPercent" in samples[0]["sample"], samples)


def forged(backend, node, path):
    """An order that nobody has signed, put where the backend keeps its orders."""
    job, instance = path
    result = backend.result(job)
    check("an altered order is refused and reported", result["status"] == "failed" and "not signed" in result["errorMessage"], result)


def shells_forbidden(backend, node):
    _, shell = open_shell(backend, node)
    check("what config.yaml forbids no order allows", "agent.shell_enabled" in shell.until_closed(), shell.closed)


def shells(backend, node, pids):
    status, ticket = backend.open_shell(node, reason="")
    check("a shell without a reason is refused", status == 422, ticket)
    status, ticket = backend.open_shell(node)
    for origin, name in (("https://evil.example", "another"), ("null", "no")):
        try:
            Shell(backend.base, ticket["ticket"], origin)
            check(f"a page of {name} origin is refused", False)
        except Refused as refused:
            check(f"a page of {name} origin is refused", refused.args[0] == 403, refused)
    shell = Shell(backend.base, ticket["ticket"], backend.base)
    shell.until_ready()
    try:
        Shell(backend.base, ticket["ticket"])
        check("a ticket is good once", False)
    except Refused as refused:
        check("a ticket is good once", refused.args[0] == 401, refused)
    shell.send({"type": "resize", "cols": 120, "rows": 33})
    shell.until("# ")
    shell.type("stty size; echo sum=$((40+2))\n")
    shell.until("33 120")
    shell.until("sum=42")
    check("typing, output and size go through", True)
    shell.type("printf '\\303\\244\\342\\202\\254\\n'; exit 7\n")
    check("the end says how it ended", "exit code 7" in shell.until_closed(), shell.closed)

    def ended_session():
        sessions = backend.call("GET", f"/api/v1/nodes/{node}/shells")[1]["shells"]
        session = next(s for s in sessions if s["id"] == ticket["id"])
        return session if session["state"] == "ended" and session.get("exitCode") is not None else None

    session = backend.until(ended_session) or {}
    check("the session is written down",
          (session.get("user"), session.get("reason"), session.get("exitCode")) == ("root", "a test", 7), session)
    _, cast = backend.call("GET", f"/api/v1/shells/{ticket['id']}/recording")
    lines = [json.loads(line) for line in cast.splitlines()]
    printed = "".join(event[2] for event in lines[1:] if event[1] == "o")
    check("the recording replays to what was seen", lines[0]["version"] == 2 and printed == shell.text,
          (printed[-200:], shell.text[-200:]))
    stopped_viewer(backend, node, pids)


def stopped_viewer(backend, node, pids):
    _, shell = open_shell(backend, node)
    shell.until_ready()
    before = {name: rss_kib(pid) for name, pid in pids.items()}
    shell.type("cat /dev/zero | base64\n")
    job, _ = backend.job(node, {"script": "echo beside"})
    check("other work goes on beside a viewer who does not read", backend.result(job)["stdout"] == "beside\n")
    time.sleep(2)
    growth = {name: rss_kib(pid) - before[name] for name, pid in pids.items()}
    # Sanitizers keep freed memory for a while: there the bound is another.
    bound = int(os.environ.get("RSS_BOUND_KIB", 8 * 1024))
    check("and memory does not grow", all(kib <= bound for kib in growth.values()), growth)
    began = time.monotonic()
    shell.type("\x03")
    shell.type("echo stopped-$((1+1))\n")
    shell.until("stopped-2", 60)
    check("control-C gets through", True, time.monotonic() - began)
    shell.send({"type": "stop"})


def main():
    base, key_file, node, part = sys.argv[1:5]
    backend = Backend(base, key_file)
    if part == "jobs":
        jobs(backend, node)
    elif part == "forged":
        forged(backend, node, sys.argv[5:7])
    elif part == "forbidden":
        shells_forbidden(backend, node)
    elif part == "shells":
        shells(backend, node, {name: int(pid) for name, pid in (pair.split("=") for pair in sys.argv[5:])})
    sys.exit(1 if FAILED else 0)


main()
