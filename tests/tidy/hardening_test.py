#!/usr/bin/env python3
"""Bar A6: what ships was compiled and linked so that a fault of memory is an end and not a way in.

    hardening_test.py COMPILE_COMMANDS PROGRAM...
"""
import json
import re
import subprocess
import sys

FLAGS = ("-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", "-D_FORTIFY_SOURCE=3", "-D_GLIBCXX_ASSERTIONS",
         "-fstack-protector-strong", "-fstack-clash-protection", "-fcf-protection")
failed = False


def is_true(text, condition, detail=""):
    global failed
    print(f"ok - {text}" if condition else f"not ok - {text}: {detail}")
    failed = failed or not condition


def readelf(option, program):
    return subprocess.run(["readelf", "-W", option, program], check=True, capture_output=True, text=True).stdout


def check_flags(path):
    commands = [one for one in json.load(open(path, encoding="utf-8"))
                if "/proto_gen/" not in one["file"] and "precompiled" not in one["file"]]
    for flag in FLAGS:
        without = [one["file"] for one in commands if flag not in one["command"].split()]
        is_true(f"every source is compiled with {flag}", commands and not without, " ".join(without[:3]))


def check_program(program):
    name = program.rsplit("/", 1)[-1]
    segments = readelf("-l", program)
    dynamic = readelf("-d", program)
    symbols = readelf("--dyn-syms", program)
    is_true(f"{name}: its place in memory is another each time (PIE)", re.search(r"file type is DYN", segments) and "PIE" in dynamic)
    is_true(f"{name}: the stack holds no code", re.search(r"GNU_STACK .* RW ", segments))
    is_true(f"{name}: no segment is written and executed", not re.search(r"LOAD .* RWE ", segments))
    is_true(f"{name}: what is relocated is read only afterwards, at once",
            "GNU_RELRO" in segments and re.search(r"BIND_NOW|FLAGS_1.*NOW", dynamic))
    is_true(f"{name}: stacks are guarded", "__stack_chk_fail" in symbols)
    is_true(f"{name}: copies are checked", re.search(r"__(memcpy|read|vsnprintf|snprintf|memset|recv)_chk", symbols))
    is_true(f"{name}: it brings no way to libraries along", not re.search(r"\(R(UN)?PATH\)", dynamic), dynamic)


check_flags(sys.argv[1])
for one in sys.argv[2:]:
    check_program(one)
sys.exit(1 if failed else 0)
