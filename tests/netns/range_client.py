#!/usr/bin/env python3
"""Two hundred requests for parts of a file, judged by RFC 9110, and beside another server if one is named.

    range_client.py SERVER PORT PATH REFERENCE [--beside PORT]

REFERENCE is the file. Exit code 0: each answer was right, and the other server's the same.
"""

import argparse
import http.client
import random
import re
import sys

CASES = 200
SEED = 9110


def cases(size, generator):
    """(method, headers)"""
    for number in range(CASES):
        a, b = generator.randrange(size + 1000), generator.randrange(size + 1000)
        fields = generator.choice([
            f"bytes={a}-{b}", f"bytes={min(a, b)}-{max(a, b)}", f"bytes={a}-", f"bytes=-{a}", "bytes=0-0", "bytes=-0",
            f"bytes={size - 1}-", f"bytes={size}-", f"bytes={size - 1}-{size + 5}", "bytes=-", "bytes=", "bytes=a-b",
            f"octets={a}-{b}", f"bytes={a}-{b}x", "bytes=0-18446744073709551616", "bytes=99999999999999999999-",
        ])
        yield "HEAD" if number % 10 == 9 else "GET", {"Range": fields}


def wanted(fields, size):
    """(status, first, last): what RFC 9110 section 14 says."""
    unit, _, spec = fields.partition("=")
    first, dash, last = spec.partition("-")
    whole = (200, 0, size - 1)
    if unit != "bytes" or not dash or not (first or last):
        return whole
    if (first and not first.isdigit()) or (last and not last.isdigit()):
        return whole
    if not first:
        length = min(int(last), size)
        return (206, size - length, size - 1) if length else (416, 0, 0)
    if last and int(last) < int(first):
        return whole
    if int(first) >= size:
        return 416, 0, 0
    return 206, int(first), min(int(last or size - 1), size - 1)


def ask(connection, method, path, headers):
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.getheader("Content-Range"), answer.getheader("Content-Length"), answer.read()


def main():
    parser = argparse.ArgumentParser()
    for name in ("server", "port", "path", "reference"):
        parser.add_argument(name)
    parser.add_argument("--beside")
    options = parser.parse_args()
    with open(options.reference, "rb") as file:
        content = file.read()
    size = len(content)
    ours = http.client.HTTPConnection(options.server, int(options.port), timeout=20)
    other = http.client.HTTPConnection(options.server, int(options.beside), timeout=20) if options.beside else None
    for method, headers in cases(size, random.Random(SEED)):
        fields = headers["Range"]
        got = ask(ours, method, options.path, headers)
        status, first, last = wanted(fields, size)
        body = content[first:last + 1] if method == "GET" and status != 416 else b""
        if got[0] != status or (status != 416 and (got[3] != body or got[2] != str(last - first + 1))):
            sys.exit(f"{method} {fields}: wanted {status} {first}-{last}, got {got[:3]} and {len(got[3])} octets")
        if status == 206 and got[1] != f"bytes {first}-{last}/{size}":
            sys.exit(f"{method} {fields}: Content-Range {got[1]}")
        if other is None:
            continue
        theirs = ask(other, method, options.path, headers)
        # Where the field is none, or a number has more than 63 bits, servers may differ (section 14.2).
        numbers = [int(number) for number in re.findall(r"[0-9]+", fields)]
        if theirs[0] != status and status != 200 and max(numbers) < 2**63:
            sys.exit(f"{method} {fields}: we say {status}, the other {theirs[0]}")
        if theirs[0] == got[0] and status != 416 and theirs[1:] != got[1:]:
            sys.exit(f"{method} {fields}: the other server's answer is not the same: {got[:3]} {theirs[:3]}")
    # What no validator of ours can match is no condition that holds.
    if ask(ours, "GET", options.path, {"Range": "bytes=0-9", "If-Range": '"x"'})[0] != 200:
        sys.exit("If-Range was passed over")
    if ask(ours, "GET", options.path, {"Range": "bytes=" + ",".join(f"{n}-{n}" for n in range(0, 100, 2))})[0] not in (200, 416):
        sys.exit("fifty ranges were served")


main()
