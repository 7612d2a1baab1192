#!/usr/bin/env python3
"""Builds services/discovery/core/oui_data.inc from the IEEE's registries.

Sources: the CSV files of Debian's package ieee-data (apt-get install ieee-data), or another folder with
files of the same names and columns, for instance newer ones from the IEEE itself; and, where it is newer, the
npm package oui-data (npm pack oui-data), which has the three registries that still grow in one JSON file.
The fourth, of individual blocks (IAB), was closed in 2014 and comes from the CSV files.

    tools/make_oui_table.py [--from /usr/share/ieee-data] [--newer oui-data-N.tgz --newer-date 2026-08-26]
                            [--out services/discovery/core/oui_data.inc]

The result is committed, so that neither a build nor a slim container needs the package.

Form: one string of vendor names, each ended by a newline, and one string of records per prefix length
(6, 7 and 9 hex digits, which is 24, 28 and 36 bits). A record is the prefix and the offset of its name in
the names, five hex digits. Records have a fixed width and are sorted, so core/oui.cc searches them where
they lie: nothing is parsed, allocated or copied when the service starts.
"""

import argparse
import csv
import datetime
import json
import pathlib
import sys
import tarfile
import unicodedata

# Files in the order of trust: where two assign one prefix, the first line wins. IAB is the older name of
# 36-bit assignments.
REGISTRIES = {"oui.csv": 6, "mam.csv": 7, "oui36.csv": 9, "iab.csv": 9}

# A name is for reading in a table; the longest are whole addresses.
MAX_NAME_LENGTH = 64
OFFSET_DIGITS = 5

# The registrar itself and the anonymous say nothing about a device.
NOT_A_VENDOR = {"", "private", "ieee registration authority"}


def plain_name(text):
    """One line of printable ASCII: it ends in tables, CSV files and logs."""
    decomposed = unicodedata.normalize("NFKD", text)
    ascii_only = decomposed.encode("ascii", "ignore").decode("ascii")
    printable = "".join(c if c.isprintable() else " " for c in ascii_only)
    name = " ".join(printable.split())[:MAX_NAME_LENGTH].rstrip(" ,.")
    return name if any(c.isalnum() for c in name) else ""


def add(tables, where, prefix, vendor):
    digits = len(prefix)
    if digits not in tables or any(c not in "0123456789ABCDEF" for c in prefix):
        sys.exit(f"{where}: {prefix!r} is no prefix of 6, 7 or 9 hex digits")
    vendor = plain_name(vendor)
    # A prefix that a newer source has without a vendor does not get one from an older source.
    tables[digits].setdefault(prefix, "" if vendor.lower() in NOT_A_VENDOR else vendor)


def read_newer(tables, package):
    """A name and its address, a line each, by prefix."""
    with tarfile.open(package) as files:
        assignments = json.load(files.extractfile("package/index.json"))
    for prefix, lines in assignments.items():
        add(tables, package.name, prefix.upper(), lines.split("\n", 1)[0])


def read_registries(tables, folder):
    for name, digits in REGISTRIES.items():
        with open(folder / name, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                prefix = row["Assignment"].strip().upper()
                if len(prefix) != digits:
                    sys.exit(f"{name}: {prefix!r} is not {digits} hex digits")
                add(tables, name, prefix, row["Organization Name"])


def registry_date(folder):
    """When Debian fetched the registries, or when the newest file was written."""
    stamp = folder / ".lastupdate"
    if stamp.exists():
        seconds = int(stamp.read_text().strip())
    else:
        seconds = int(max((folder / name).stat().st_mtime for name in REGISTRIES))
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).date().isoformat()


def literal_lines(pieces, width=96):
    """C string literals of whole pieces, about `width` characters each."""
    line = ""
    for piece in pieces:
        if line and len(line) + len(piece) > width:
            yield f'"{line}"'
            line = ""
        line += piece
    if line:
        yield f'"{line}"'


def escaped(name):
    return name.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?") + "\\n"


def render(tables, date):
    names = sorted({vendor for table in tables.values() for vendor in table.values()})
    offsets, size = {}, 0
    for name in names:
        offsets[name] = size
        size += len(name) + 1
    if size >= 16**OFFSET_DIGITS:
        sys.exit(f"{size} octets of names do not fit into {OFFSET_DIGITS} hex digits")

    records = sum(len(table) for table in tables.values())
    yield f"// Registries of the IEEE as of {date}: {records} prefixes, {len(names)} vendors."
    yield "// Made by tools/make_oui_table.py; do not edit."
    yield f'inline constexpr std::string_view kOuiDate = "{date}";'
    yield "inline constexpr char kOuiNames[] ="
    yield from literal_lines(escaped(name) for name in names)
    yield ";"
    for digits, table in tables.items():
        yield f"inline constexpr char kOui{digits * 4}[] ="
        yield from literal_lines(f"{p}{offsets[table[p]]:0{OFFSET_DIGITS}X}" for p in sorted(table))
        yield ";"


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description="Build the vendor table of discovery.")
    parser.add_argument("--from", dest="folder", type=pathlib.Path, default="/usr/share/ieee-data")
    parser.add_argument("--newer", type=pathlib.Path, help="the archive of the npm package oui-data")
    parser.add_argument("--newer-date", help="the day it was published")
    parser.add_argument("--out", type=pathlib.Path, default=root / "services/discovery/core/oui_data.inc")
    arguments = parser.parse_args()
    if (arguments.newer is None) != (arguments.newer_date is None):
        parser.error("--newer and --newer-date go together")
    tables = {digits: {} for digits in sorted(set(REGISTRIES.values()))}
    if arguments.newer:
        read_newer(tables, arguments.newer)
    try:
        read_registries(tables, arguments.folder)
    except FileNotFoundError as error:
        sys.exit(f"{error.filename} is not there: apt-get install ieee-data, or --from FOLDER")
    tables = {digits: {p: vendor for p, vendor in table.items() if vendor} for digits, table in tables.items()}
    date = arguments.newer_date or registry_date(arguments.folder)
    text = "\n".join(render(tables, date)) + "\n"
    arguments.out.write_text(text, encoding="ascii")
    print(f"{arguments.out}: {len(text)} octets, {sum(map(len, tables.values()))} prefixes")


if __name__ == "__main__":
    main()
