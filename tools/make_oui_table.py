#!/usr/bin/env python3
"""Builds services/discovery/core/oui_data.inc from the IEEE's registries.

Source: the CSV files of Debian's package ieee-data (apt-get install ieee-data), or another folder with
files of the same names and columns, for instance newer ones from the IEEE itself:

    tools/make_oui_table.py [--from /usr/share/ieee-data] [--out services/discovery/core/oui_data.inc]

The result is committed, so that neither a build nor a slim container needs the package.

Form: one string of vendor names, each ended by a newline, and one string of records per prefix length
(6, 7 and 9 hex digits, which is 24, 28 and 36 bits). A record is the prefix and the offset of its name in
the names, five hex digits. Records have a fixed width and are sorted, so core/oui.cc searches them where
they lie: nothing is parsed, allocated or copied when the service starts.
"""

import argparse
import csv
import datetime
import pathlib
import sys
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


def read_registries(folder):
    tables = {digits: {} for digits in sorted(set(REGISTRIES.values()))}
    for name, digits in REGISTRIES.items():
        with open(folder / name, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                prefix = row["Assignment"].strip().upper()
                if len(prefix) != digits or any(c not in "0123456789ABCDEF" for c in prefix):
                    sys.exit(f"{name}: {prefix!r} is not {digits} hex digits")
                vendor = plain_name(row["Organization Name"])
                if vendor.lower() not in NOT_A_VENDOR:
                    tables[digits].setdefault(prefix, vendor)
    return tables


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
    yield "// Made by tools/make_oui_table.py from Debian's package ieee-data; do not edit."
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
    parser.add_argument("--out", type=pathlib.Path, default=root / "services/discovery/core/oui_data.inc")
    arguments = parser.parse_args()
    try:
        tables = read_registries(arguments.folder)
    except FileNotFoundError as error:
        sys.exit(f"{error.filename} is not there: apt-get install ieee-data, or --from FOLDER")
    text = "\n".join(render(tables, registry_date(arguments.folder))) + "\n"
    arguments.out.write_text(text, encoding="ascii")
    print(f"{arguments.out}: {len(text)} octets, {sum(map(len, tables.values()))} prefixes")


if __name__ == "__main__":
    main()
