#!/usr/bin/python3
"""Bars A3 and B3: ten thousand DHCP packets made by Scapy are read alike by us, Scapy and tshark; what we answer is well
formed to tshark; and no octet of an answer was never written, to valgrind.

    dhcp_oracle_test.py DHCP_ORACLE [PACKETS]

DHCP_ORACLE is a build without sanitizers. Prints "ok - ..." or "not ok - ..."; exit code 77 with a reason without the tools.
"""
import random
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    from scapy.all import BOOTP, DHCP, IP, UDP, Ether, wrpcap
    from scapy.layers.dhcp import DHCPOptionsField
except ImportError:
    print("dhcp_oracle_test: scapy is not installed")
    sys.exit(77)

# The options that a decision or a record of ours rests on.
CODES = (12, 43, 50, 53, 54, 57, 60, 61, 66, 67, 77, 82, 93, 94, 97, 175)
SEED = 20261127
VALGRIND_PACKETS = 300
failed = False


def is_true(text, condition, detail=""):
    global failed
    print(f"ok - {text}" if condition else f"not ok - {text}: {detail}", flush=True)
    failed = failed or not condition


def octets(random_, least, most):
    return bytes(random_.randrange(256) for _ in range(random_.randint(least, most)))


def text(random_, least, most):
    return bytes(random_.choice(b"abcxyz-.:PXEClient0123") for _ in range(random_.randint(least, most)))


def suboptions(random_):
    return b"".join(bytes([random_.randint(128, 254), len(data)]) + data
                    for data in (octets(random_, 1, 12) for _ in range(random_.randint(1, 4))))


def value(random_, code):
    """As firmware and others send it, and where a text belongs sometimes what is none. Where an option has a form of its own the
    other two give up at the first that has not: they are no judges there, the corpus of fuzz_dhcp is."""
    if code in (12, 60, 61, 66, 67, 77) and random_.random() < 0.1:
        return octets(random_, 1, 40)
    return {
        12: lambda: text(random_, 1, 60),
        43: lambda: suboptions(random_) + b"\xff",
        50: lambda: octets(random_, 4, 4),
        53: lambda: bytes([random_.choice((1, 1, 1, 3, 8))]),
        54: lambda: octets(random_, 4, 4),
        57: lambda: struct.pack(">H", random_.choice((300, 576, 1260, 1464, 1500, 65535))),
        60: lambda: random_.choice((b"PXEClient:Arch:00007:UNDI:003016", b"PXEClient", b"HTTPClient:Arch:00016:UNDI:003001",
                                    text(random_, 1, 50))),
        61: lambda: b"\x01" + octets(random_, 6, 6),
        66: lambda: text(random_, 1, 30),
        67: lambda: text(random_, 1, 60),
        77: lambda: random_.choice((b"iPXE", b"\x04iPXE", text(random_, 1, 20))),
        82: lambda: b"\x01\x04" + octets(random_, 4, 4),
        93: lambda: struct.pack(">H", random_.choice((0, 6, 7, 9, 10, 11, 15, 16, 18, 19, 20, 77))),
        94: lambda: b"\x01" + octets(random_, 2, 2),
        97: lambda: b"\x00" + octets(random_, 16, 16),
        175: lambda: random_.choice((b"\x13\x01\x01\x18\x01\x01", b"\x13\x01\x01\x24\x01\x01", b"\xb1\x05\x01\x80\x86\x10\x0e")),
    }[code]()


def packet(random_):
    codes = [53] + [code for code in CODES if code != 53 and random_.random() < 0.6]
    random_.shuffle(codes)
    options = b"".join(bytes([code, len(data)]) + data for code, data in ((c, value(random_, c)) for c in codes))
    if random_.random() < 0.2:
        options = b"\x00" * random_.randint(1, 8) + options  # Pads are skipped.
    relay = "10.0.0.9" if random_.random() < 0.2 else "0.0.0.0"
    bootp = BOOTP(chaddr=octets(random_, 6, 6) + b"\x00" * 10, xid=random_.getrandbits(32), giaddr=relay,
                  flags=random_.choice((0, 0x8000)), options=b"c\x82Sc")
    return bytes(bootp) + options + b"\xff"


def by_scapy(data):
    """{code: octets}: dissected into names and values, and each made into octets again."""
    field = DHCPOptionsField("options", b"")
    found = {}
    for option in BOOTP(data)[DHCP].options:
        if option in ("pad", "end"):
            continue
        raw = field.i2m(None, [option])
        found[raw[0]] = found.get(raw[0], b"") + raw[2:2 + raw[1]]
    return found


def by_tshark(pcap):
    """[{code: octets}]"""
    out = subprocess.run(["tshark", "-r", pcap, "-T", "fields", "-E", "aggregator=;", "-e", "dhcp.option.type", "-e",
                          "dhcp.option.value"], check=True, capture_output=True, text=True).stdout
    packets = []
    for line in out.splitlines():
        types, _, values = line.partition("\t")
        pairs = [(int(one), raw) for one, raw in zip((t for t in types.split(";") if t not in ("", "0", "255")),
                                                      values.split(";"))]
        packets.append({code: bytes.fromhex(raw.replace(":", "")) for code, raw in pairs})
    return packets


def by_us(line):
    return None if line == "error" else {int(code): bytes.fromhex(data) for code, _, data in
                                         (one.partition("=") for one in line.split())}


def framed(packets):
    return b"".join(struct.pack(">H", len(one)) + one for one in packets)


def unframed(data):
    packets = []
    while data:
        length, = struct.unpack(">H", data[:2])
        packets.append(data[2:2 + length])
        data = data[2 + length:]
    return packets


def pcap(path, packets, source, target):
    wrpcap(str(path), [Ether() / IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=source, dport=target) / one for one in packets])


def only(found):
    return {code: found[code] for code in CODES if code in found}


def main():
    oracle = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    for tool in ("tshark", "valgrind"):
        if shutil.which(tool) is None:
            print(f"dhcp_oracle_test: {tool} is not installed")
            sys.exit(77)
    random_ = random.Random(SEED)
    packets = [packet(random_) for _ in range(count)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "packets").write_bytes(framed(packets))
        lines = subprocess.run([oracle, folder / "packets", folder / "answers"], check=True, capture_output=True,
                               text=True).stdout.splitlines()
        ours = [by_us(line) for line in lines]
        is_true(f"{count} packets of Scapy are all read", len(ours) == count and None not in ours)
        different = [i for i in range(count) if only(ours[i]) != only(by_scapy(packets[i]))]
        is_true("each option as Scapy reads it", not different, packets[different[0]].hex() if different else "")

        pcap(folder / "requests.pcap", packets, 68, 67)
        theirs = by_tshark(folder / "requests.pcap")
        different = [i for i in range(count) if only(ours[i]) != only(theirs[i])]
        is_true("and as tshark does", len(theirs) == count and not different, packets[different[0]].hex() if different else "")

        answers = unframed((folder / "answers").read_bytes())
        pcap(folder / "answers.pcap", answers, 67, 68)
        wrong = subprocess.run(["tshark", "-r", folder / "answers.pcap", "-Y", "_ws.malformed || _ws.expert", "-T", "fields",
                                "-e", "frame.number", "-e", "_ws.expert.message"], check=True, capture_output=True,
                               text=True).stdout
        is_true(f"{len(answers)} answers are well formed to tshark", len(answers) > count / 10 and not wrong, wrong[:300])

        (folder / "few").write_bytes(framed(packets[:VALGRIND_PACKETS]))
        checked = subprocess.run(["valgrind", "-q", "--error-exitcode=9", oracle, folder / "few", folder / "answers"],
                                 capture_output=True, text=True)
        is_true("no octet of an answer was never written (memcheck)", checked.returncode == 0, checked.stderr[:500])
    sys.exit(1 if failed else 0)


main()
