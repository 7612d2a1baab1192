#!/usr/bin/env python3
"""The house rules that can be checked, as a test. Each rule has its reason beside it; see CONTRIBUTING.md."""

import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROOMS = ("libs", "services", "cli", "backend", "tests", "bench")
MAX_FILE_LINES = 400


def tracked(*patterns):
    """Files that git tracks or would track."""
    out = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / line for line in out.splitlines() if (ROOT / line).is_file()]


def sources():
    return [p for p in tracked("*.cc", "*.h") if p.relative_to(ROOT).parts[0] in ROOMS]


def name(path):
    return str(path.relative_to(ROOT))


def without_comments(text):
    text = re.sub(r'R"(\w*)\(.*?\)\1"', '""', text, flags=re.S)
    return re.sub(r"//[^\n]*", "", text)


# What a core must not know: it decides, and is tested without a thread, a socket or a clock.
CORE_FORBIDDEN = {
    r"<boost/asio": "a core does not wait",
    r"<grpcpp": "a core knows no transport",
    r"<sys/socket|<netinet|<fcntl\.h|<fstream|<filesystem": "a core opens nothing",
    r"<prometheus": "a core counts nothing; it returns what is to be counted",
    r"libs/(net|rpc|runtime|store|events)/(?!clock|lanes)": "a core depends on values only",
    r"<absl/time/clock\.h>": "time is an argument",
}

GRPC_MAY = re.compile(
    r"^(libs/rpc/|libs/events/event_service|libs/runtime/(config_service|service_main)|cli/|tests/|bench/"
    r"|services/\w+/(\w+_service|peers|peer_\w+|\w+)\.(cc|h)$)")
BEAST_MAY = re.compile(r"^(libs/net/|tests/)")


class Tidy(unittest.TestCase):
    def fail_for(self, found):
        if found:
            self.fail("\n" + "\n".join(sorted(found)))

    def test_cores_know_only_values(self):
        found = []
        for path in sources():
            if "core" not in path.relative_to(ROOT).parts or name(path).startswith("tests/"):
                continue
            for line in path.read_text().splitlines():
                if not line.startswith("#include"):
                    continue
                for pattern, reason in CORE_FORBIDDEN.items():
                    if re.search(pattern, line):
                        found.append(f"{name(path)}: {line.strip()}: {reason}")
        self.fail_for(found)

    def test_no_outside_input_reaches_an_assertion(self):
        """What strangers' bytes pass through reports; TENTACLE_CHECK is for faults of our own."""
        wrong = re.compile(r"(?<!static_)\bassert\(|std::terminate|\babort\(|\.at\(")
        found = []
        for path in sources():
            parts = path.relative_to(ROOT).parts
            if not (parts[0] == "services" and "core" in parts or parts[:2] in (("libs", "wire"), ("libs", "text"))):
                continue
            found += [f"{name(path)}: {line.strip()}" for line in path.read_text().splitlines() if wrong.search(line)]
        self.fail_for(found)

    def test_beast_stays_in_libs_net(self):
        """A file with Beast takes 5 to 10 s to compile."""
        self.fail_for([name(p) for p in sources()
                       if "<boost/beast" in p.read_text() and not BEAST_MAY.match(name(p))])

    def test_grpc_stays_at_the_edges(self):
        self.fail_for([name(p) for p in sources()
                       if "<grpcpp/grpcpp.h>" in p.read_text() and not GRPC_MAY.match(name(p))])

    def test_no_captured_lambda_in_a_co_await(self):
        """g++ 12 destroys its captures twice; name the lambda on its own line first."""
        found = []
        for path in sources():
            for number, line in enumerate(without_comments(path.read_text()).splitlines(), 1):
                if re.search(r"co_await[^;]*\[[&=\w][^\]]*\]\s*(\(|\{)", line):
                    found.append(f"{name(path)}:{number}: {line.strip()}")
        self.fail_for(found)

    def test_no_co_await_behind_a_short_circuit(self):
        """g++ 12 compiles `if (a && co_await b())` to an illegal instruction."""
        found = []
        for path in sources():
            for number, line in enumerate(without_comments(path.read_text()).splitlines(), 1):
                if re.search(r"(&&|\|\|)\s*!?\s*co_await", line):
                    found.append(f"{name(path)}:{number}: {line.strip()}")
        self.fail_for(found)

    def test_no_co_await_in_a_conditional_expression(self):
        """g++ 12 frees what `a ? co_await b() : c` holds twice; write if and else."""
        found = []
        for path in sources():
            for number, line in enumerate(without_comments(path.read_text()).splitlines(), 1):
                if re.search(r"\?\s*co_await", line) or re.search(r"^\s*:\s*co_await", line):
                    found.append(f"{name(path)}:{number}: {line.strip()}")
        self.fail_for(found)

    def test_files_are_short(self):
        """A file that has outgrown its room is two."""
        self.fail_for([f"{name(p)}: {len(p.read_text().splitlines())} lines" for p in sources()
                       if len(p.read_text().splitlines()) > MAX_FILE_LINES])

    def test_sources_are_formatted(self):
        """As .clang-format says; versions of the program differ, so it is Debian 12's."""
        out = subprocess.run(["clang-format-14", "--dry-run", *map(str, tracked("*.cc", "*.h"))],
                             cwd=ROOT, check=True, capture_output=True, text=True).stderr
        self.fail_for({line.split(":")[0] for line in out.splitlines() if "clang-format-violations" in line})

    def test_every_source_is_in_a_target(self):
        lists = "\n".join(p.read_text() for p in tracked("*CMakeLists.txt", "*.cmake"))
        # tests/fuzz lists its targets by what follows "fuzz_".
        self.fail_for([name(p) for p in sources() if p.suffix == ".cc" and not p.name.startswith("fuzz_") and
                       not re.search(rf"(^|[\s(/]){re.escape(p.name)}\b", lists)])

    def test_headers_are_guarded_by_pragma_once(self):
        self.fail_for([name(p) for p in sources()
                       if p.suffix == ".h" and "#pragma once" not in p.read_text()])

    def test_every_room_says_what_it_is_for(self):
        rooms = [p for d in ("services", "libs") for p in (ROOT / d).iterdir() if p.is_dir()]
        rooms += [ROOT / "backend", ROOT / "cli"]
        self.fail_for([f"{name(room)}: no README.md" for room in rooms if not (room / "README.md").is_file()])

    def test_every_log_event_is_documented(self):
        known = (ROOT / "docs/operations.md").read_text()
        found = []
        for path in sources():
            if name(path).startswith("tests/"):
                continue
            # The first argument may choose between two names.
            for first in re.findall(r"[lL]og_?\)?\.(?:Debug|Info|Warning|Error)\(([^{;]*)", path.read_text()):
                for event in re.findall(r'"([a-z]+\.[a-z_]+)"', first):
                    if f"`{event}`" not in known:
                        found.append(f"{name(path)}: {event} is not in docs/operations.md")
        self.fail_for(found)

    def test_every_metric_is_documented(self):
        # A part that the code puts in for {} is documented as <what it is>.
        known = re.sub(r"<[a-z]+>", "{}", (ROOT / "docs/operations.md").read_text())
        found = []
        for path in sources():
            if name(path).startswith(("tests/", "bench/")):
                continue
            for metric in re.findall(r'"((?:tentacle|octofleet)_[a-z0-9_{}]+)"', path.read_text()):
                if f"`{metric}`" not in known:
                    found.append(f"{name(path)}: {metric} is not in docs/operations.md")
        self.fail_for(found)

    def test_every_documented_event_and_metric_exists(self):
        """A line about an event that nobody writes any more sends its reader on a search."""
        code = "\n".join(p.read_text() for p in sources() if not name(p).startswith(("tests/", "bench/")))
        rows = re.findall(r"^\| `((?:tentacle|octofleet)_[a-z0-9_<>]+|[a-z]+\.[a-z_]+)` \|",
                          (ROOT / "docs/operations.md").read_text(), flags=re.M)
        self.assertGreater(len(rows), 100)
        self.fail_for([f"docs/operations.md: {row} is not in the code" for row in rows
                       if f'"{re.sub("<[a-z]+>", "{}", row)}"' not in code])

    def test_work_left_open_has_no_place(self):
        word = "TO" + "DO|FIX" + "ME|XX" + "X"
        self.fail_for([f"{name(p)}" for p in sources() if re.search(rf"\b({word})\b", p.read_text())])

    def test_no_absolute_home_or_work_paths(self):
        pattern = re.compile(r"(?<![\w.])/(home|work|root)/[a-z]")
        found = []
        for path in tracked("*.cc", "*.h", "*.md", "*.sh", "*.txt", "*.cmake", "*.json", "*.ts", "*.tsx", "*.yaml"):
            if path.name == "package-lock.json" or "tests/data" in name(path):
                continue
            for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
                if pattern.search(line):
                    found.append(f"{name(path)}:{number}: {line.strip()[:100]}")
        self.fail_for(found)


if __name__ == "__main__":
    unittest.main(verbosity=1, argv=[sys.argv[0]])
