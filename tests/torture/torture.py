#!/usr/bin/env python3
"""Drives one run of the torture test; see torture.sh."""

import argparse
import collections
import json
import os
import pathlib
import random
import shlex
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from faulty_line import FaultyLine  # noqa: E402

SOURCES = ("discovery", "agent")
TASKS = 4
API_KEY = "torture"
BACKEND_PORT = 21780
# A run that stands still for so long has lost something.
STANDSTILL_S = 120


class Run:
    def __init__(self, options):
        self.options = options
        self.folder = pathlib.Path(options.folder)
        self.state = self.folder / "disk" / "state"
        self.run_dir = self.folder / "run"
        self.history = open(self.folder / "history.jsonl", "a", encoding="utf-8")
        self.random = random.Random(options.seed)
        self.processes = {}
        self.counts = collections.Counter()
        self.failed = False
        self.line = FaultyLine(BACKEND_PORT)
        self.down_since = None
        self.down_total = 0.0

    # What happened, outside of everything that is being tested.
    def note(self, op, **details):
        json.dump({"t": round(time.time(), 3), "op": op, **details}, self.history)
        self.history.write("\n")
        self.history.flush()
        os.fsync(self.history.fileno())

    def check(self, good, text):
        print(("ok - " if good else "not ok - ") + text, flush=True)
        self.failed |= not good

    # Processes -----------------------------------------------------------------------------------

    def command(self, name):
        if name == "backend":
            return [self.options.backend, "--listen", f"127.0.0.1:{BACKEND_PORT}", "--database",
                    self.options.database, "--image-dir", self.folder / "images", "--web-dir",
                    self.folder / "web", "--api-key-file", self.folder / "key"]
        if name == "uplink":
            return [self.options.tentacle, "uplink"]
        return [self.options.source, name, self.run_dir, self.state, str(self.options.events // len(SOURCES)),
                str(self.options.rate), *self.task_ids]

    def start(self, name):
        log = open(self.folder / f"{name}.log", "ab")
        environment = dict(os.environ, TENTACLE_STATE_DIR=str(self.state), TENTACLE_RUN_DIR=str(self.run_dir),
                           TENTACLE_UPLINK_ADMIN_LISTEN="127.0.0.1:0")
        self.processes[name] = subprocess.Popen(self.command(name), stdout=log, stderr=log, env=environment)

    def revive(self):
        """Starts again what has ended: a supervisor. A source that is through stays ended."""
        for name, process in self.processes.items():
            if process.poll() is None or (name in SOURCES and process.returncode == 0):
                continue
            if process.returncode != -signal.SIGKILL:
                self.note("ended", name=name, code=process.returncode)
                self.counts["ended by itself"] += 1
            self.start(name)

    def stop_all(self):
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()

    # The backend's REST --------------------------------------------------------------------------

    def api(self, method, path, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{BACKEND_PORT}{path}", method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-API-Key": API_KEY, "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def until(self, what, condition, seconds=60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if (value := condition()) is not None and value is not False:
                    return value
            except (OSError, urllib.error.URLError):
                pass
            time.sleep(0.1)
        raise SystemExit(f"not ok - waited in vain: {what}")

    def sql(self, query):
        return subprocess.run(["psql", self.options.database, "-AtF,", "-c", query], check=True, text=True,
                              capture_output=True).stdout.split("\n")[:-1]

    # The story -----------------------------------------------------------------------------------

    def prepare(self):
        for folder in (self.run_dir, self.state, self.folder / "images", self.folder / "web"):
            folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "key").write_text(API_KEY)
        (self.folder / "images" / "tiny.raw").write_bytes(b"tiny")
        self.task_ids = []
        self.start("backend")
        self.until("the backend", lambda: urllib.request.urlopen(f"http://127.0.0.1:{BACKEND_PORT}/readyz", timeout=2))
        token = self.api("POST", "/api/v1/enrollment-tokens", {"maxUses": 1})["token"]
        enrolled = subprocess.run(
            [self.options.tentacle, "enroll", "--backend", f"http://127.0.0.1:{self.line.port}", "--name", "torture"],
            env=dict(os.environ, TENTACLE_TOKEN=token, TENTACLE_STATE_DIR=str(self.state)), check=False)
        if enrolled.returncode != 0:
            raise SystemExit("not ok - enrollment failed")
        node = self.api("GET", "/api/v1/tentacles")["tentacles"][0]["id"]
        image = self.api("POST", "/api/v1/provisioning/images",
                         {"name": "tiny", "path": "tiny.raw", "osType": "linux-image"})["id"]
        self.until("the image", lambda: self.api("GET", f"/api/v1/provisioning/images/{image}")["state"] == "ready")
        for number in range(TASKS):
            task = self.api("POST", "/api/v1/provisioning/tasks",
                            {"tentacleId": node, "mac": f"52:54:00:aa:00:{number:02x}", "hostname": f"m{number}",
                             "imageId": image, "osType": "linux-image", "network": {"dhcp": True}})
            self.task_ids.append(str(task["id"]))
        self.start("uplink")
        for name in SOURCES:
            self.start(name)

    def disconnected(self, down):
        now = time.monotonic()
        if down and self.down_since is None:
            self.down_since = now
        elif not down and self.down_since is not None:
            self.down_total += now - self.down_since
            self.down_since = None

    def fault(self):
        kind = self.random.choices(
            ("kill uplink", "kill source", "kill backend", "kill database", "pause", "swizzle", "cut", "blackhole",
             "full disk"),
            (4, 4, 3, 1, 2, 1, 4, 2, 1))[0]
        length = self.random.uniform(0.2, 2.0)
        self.note(kind, seconds=round(length, 2))
        self.counts[kind] += 1
        if kind == "kill database":
            self.kill_database()
        elif kind.startswith("kill"):
            name = {"kill uplink": "uplink", "kill backend": "backend"}.get(kind) or self.random.choice(SOURCES)
            if self.processes[name].poll() is None:
                self.processes[name].kill()
                self.processes[name].wait()
        elif kind == "pause":
            process = self.processes[self.random.choice(("uplink", "backend", *SOURCES))]
            if process.poll() is None:
                process.send_signal(signal.SIGSTOP)
                time.sleep(length)
                process.send_signal(signal.SIGCONT)
        elif kind == "swizzle":
            self.swizzle()
        elif kind in ("cut", "blackhole"):
            self.disconnected(True)
            (self.line.cut if kind == "cut" else self.line.blackhole)()
            time.sleep(2 * length)
            self.line.heal()
            self.disconnected(False)
        else:
            filler = self.folder / "disk" / "filler"
            free = os.statvfs(filler.parent)
            with open(filler, "wb") as file:
                os.posix_fallocate(file.fileno(), 0, max(1, free.f_bavail * free.f_frsize - (8 << 20)))
            time.sleep(length)
            filler.unlink()

    def kill_database(self):
        """The postmaster and with it every server process, as a machine that runs out of memory does it."""
        data = pathlib.Path(self.options.postgres) / "data"
        os.kill(int((data / "postmaster.pid").read_text().split("\n")[0]), signal.SIGKILL)
        command = shlex.split((data / "postmaster.opts").read_text())
        if os.getuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command]
        deadline = time.monotonic() + 30
        # Its children end by themselves; as long as one is there a new postmaster refuses.
        while time.monotonic() < deadline:
            with open(pathlib.Path(self.options.postgres) / "restarted.log", "ab") as log:
                process = subprocess.Popen(command, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                           start_new_session=True)
            for _ in range(100):
                if process.poll() is not None:
                    break
                if self.stored() >= 0:
                    return
                time.sleep(0.05)
            time.sleep(0.1)
        raise SystemExit("not ok - PostgreSQL did not come back")

    def swizzle(self):
        """All are stopped one by one and go on in another order."""
        alive = [process for process in self.processes.values() if process.poll() is None]
        for process in self.random.sample(alive, len(alive)):
            process.send_signal(signal.SIGSTOP)
            time.sleep(0.2)
        for process in self.random.sample(alive, len(alive)):
            process.send_signal(signal.SIGCONT)
            time.sleep(0.1)

    def stored(self):
        try:
            return int(self.sql("SELECT count(*) FROM task_timeline WHERE step = 'torture'")[0])
        except (subprocess.CalledProcessError, IndexError):
            return -1

    def rage(self):
        began = time.monotonic()
        for _ in range(self.options.faults):
            time.sleep(self.random.uniform(0.1, 1.2))
            self.revive()
            self.fault()
            self.revive()
        self.raged_s = time.monotonic() - began

    def settle(self):
        last, since = -1, time.monotonic()
        while any(self.processes[name].poll() is None or self.processes[name].returncode != 0 for name in SOURCES):
            self.revive()
            count = self.stored()
            if count != last:
                last, since = count, time.monotonic()
            if time.monotonic() - since > STANDSTILL_S:
                return False
            time.sleep(0.5)
        return True

    def judge(self):
        wanted = self.options.events // len(SOURCES) * len(SOURCES)
        rows = self.sql("SELECT task_id, detail FROM task_timeline WHERE step = 'torture' ORDER BY id")
        seen = collections.Counter(row.split(",", 1)[1] for row in rows)
        doubled = sorted(detail for detail, count in seen.items() if count > 1)
        lost = [f"{name}-{number}" for name in SOURCES for number in range(1, wanted // len(SOURCES) + 1)
                if f"{name}-{number}" not in seen]
        self.check(not lost, f"{wanted} events, {len(lost)} lost {lost[:5] or ''}")
        self.check(not doubled, f"{len(doubled)} doubled {doubled[:5] or ''}")
        order = collections.defaultdict(int)
        swapped = 0
        for row in rows:
            task, detail = row.split(",", 1)
            source, number = detail.rsplit("-", 1)
            swapped += int(number) <= order[task, source]
            order[task, source] = max(order[task, source], int(number))
        self.check(swapped == 0, f"order kept in each task and source ({swapped} out of place)")
        self.check(self.counts["ended by itself"] == 0,
                   f"nothing ended by itself ({self.counts['ended by itself']} times)")
        self.check(self.sql("SELECT count(*) FROM nodes WHERE is_tentacle") == ["1"], "one tentacle")

    def run(self):
        print(f"seed {self.options.seed}: {self.options.events} events, {self.options.faults} faults", flush=True)
        began = time.monotonic()
        try:
            self.prepare()
            self.rage()
            self.line.heal()
            self.check(self.settle(), "everything is confirmed once the faults are over")
            self.judge()
        finally:
            self.stop_all()
        every = sum(count for kind, count in self.counts.items() if kind != "ended by itself")
        whole = time.monotonic() - began
        faults = ", ".join(f"{count} {kind}" for kind, count in sorted(self.counts.items()))
        print(f"{faults}; {every} faults, {100 * self.down_total / self.raged_s:.0f} % of it disconnected, "
              f"{self.raged_s:.0f} s of faults, {whole:.0f} s in all ({self.options.events / whole:.0f} events a second)",
              flush=True)
        if self.failed:
            for name in self.processes:
                print(f"---- the end of {name}.log")
                print("\n".join((self.folder / f"{name}.log").read_text(errors="replace").split("\n")[-15:]))
        return 1 if self.failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("folder", "database", "postgres", "tentacle", "backend", "source"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--faults", type=int, required=True)
    # Of each source: with it the events last as long as the faults.
    parser.add_argument("--rate", type=float)
    options = parser.parse_args()
    if options.rate is None:
        options.rate = max(20.0, options.events / len(SOURCES) / (options.faults * 1.5))
    sys.exit(Run(options).run())


if __name__ == "__main__":
    main()
