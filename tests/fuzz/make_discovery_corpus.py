#!/usr/bin/env python3
"""Writes the first inputs of discovery's targets: frames as hosts and switches send them, and hostile ones."""

import pathlib
import struct

CORPUS = pathlib.Path(__file__).resolve().parent.parent / "data" / "corpus"
HOST = bytes.fromhex("52540065d542")
SWITCH = bytes.fromhex("001b21aabbcc")
BROADCAST = b"\xff" * 6
COOKIE = bytes.fromhex("63825363")
HOSTILE = b"<script>\x1b[31m\0\xff\xe2\x80\xae=cmd|' /C calc'!A0"


def ip(text):
    return bytes(int(part) for part in text.split("."))


def frame(kind, payload, to=BROADCAST, source=HOST):
    return to + source + struct.pack("!H", kind) + payload


def tagged(vlan, data):
    return data[:12] + struct.pack("!HH", 0x8100, vlan) + data[12:]


def arp(operation, mac, sender, target):
    return (struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + mac + ip(sender) + b"\0" * 6 + ip(target))


def udp(source, target, sport, dport, data, to=BROADCAST, mac=HOST):
    length = 8 + len(data)
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0, 64, 17, 0) + ip(source) + ip(target)
    # A bridge with a packet filter drops a header with a wrong checksum.
    total = sum(struct.unpack("!10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    header = header[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF) + header[12:]
    return frame(0x0800, header + struct.pack("!HHHH", sport, dport, length, 0) + data, to, mac)


def option(code, data):
    return bytes([code, len(data)]) + data


def dhcp(op, options, yiaddr="0.0.0.0", siaddr="0.0.0.0", giaddr="0.0.0.0", ciaddr="0.0.0.0", file=b""):
    head = struct.pack("!BBBBIHH", op, 1, 6, 0, 0x3903F326, 0, 0x8000)
    return (head + ip(ciaddr) + ip(yiaddr) + ip(siaddr) + ip(giaddr) + HOST.ljust(16, b"\0") + b"\0" * 64
            + file.ljust(128, b"\0") + COOKIE + options + b"\xff")


def labels(*parts):
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def dns(answers, count=1, questions=b"", asked=0):
    return struct.pack("!HHHHHH", 0, 0x8400, asked, count, 0, 0) + questions + answers


def record(name, kind, data, ttl=120):
    return name + struct.pack("!HHIH", kind, 0x8001, ttl, len(data)) + data


def half_octets(name, suffix):
    return bytes(half for octet in name.ljust(15, b" ") + bytes([suffix]) for half in (65 + (octet >> 4), 65 + (octet & 15)))


def netbios(name, suffix=0, flags=0, address="10.0.0.9", operation=5):
    head = struct.pack("!HHHHHH", 1, operation << 11 | 0x0110, 1, 0, 0, 1)
    question = labels(half_octets(name, suffix)) + struct.pack("!HH", 32, 1)
    return head + question + b"\xc0\x0c" + struct.pack("!HHIHH", 32, 1, 300000, 6, flags) + ip(address)


def tlv(kind, value):
    return struct.pack("!H", kind << 9 | len(value)) + value


def lldp(name=b"sw-floor2", more=b""):
    return (tlv(1, b"\x04" + SWITCH) + tlv(2, b"\x05Gi1/0/7") + tlv(3, b"\0\x78") + tlv(4, b"to the lab")
            + tlv(5, name) + tlv(6, b"Switch OS 1.0") + tlv(7, b"\0\x14\0\x04")
            + tlv(8, b"\x05\x01" + ip("10.0.0.2") + b"\x02\0\0\0\x01\0") + more + tlv(0, b""))


def element(kind, value):
    return struct.pack("!HH", kind, len(value) + 4) + value


def cdp(name=b"core-1", more=b""):
    return (bytes.fromhex("aaaa0300000c2000") + b"\x02\xb4\0\0" + element(1, name)
            + element(2, b"\0\0\0\x01\x01\x01\xcc\0\x04" + ip("10.0.0.3")) + element(3, b"Gi1/0/9")
            + element(4, b"\0\0\0\x29") + element(6, b"cisco WS-C3750") + element(10, b"\0\x14") + more)


def cdp_frame(data):
    return frame(len(data), data, bytes.fromhex("01000ccccccc"), SWITCH)


DISCOVER = dhcp(1, option(53, b"\x01") + option(55, bytes([1, 3, 6, 15])) + option(60, b"MSFT 5.0")
                + option(61, b"\x01" + HOST) + option(12, b"laptop"))
OFFER = dhcp(2, option(53, b"\x02") + option(54, ip("10.0.0.1")) + option(51, b"\0\0\x0e\x10")
             + option(3, ip("10.0.0.1")), yiaddr="10.0.0.50")
ROGUE = dhcp(2, option(53, b"\x02") + option(54, ip("10.0.0.66")) + option(67, b"evil.efi"), yiaddr="10.0.0.51",
             siaddr="10.0.0.67", file=b"evil.0")
ANNOUNCE = dns(record(labels(b"printer", b"local"), 1, ip("10.0.0.9")))
BOMB = dns(record(b"\0", 1, b"") * 200, 200)
LOOP = dns(b"\xc0\x0c" + b"\0" * 10)
DEEP = dns(record(b"\x01x" * 126 + b"\0", 1, ip("10.0.0.9")))
MDNS_GROUP = bytes.fromhex("01005e0000fb")

TARGETS = {
    "arp": {
        "request": frame(0x0806, arp(1, HOST, "10.0.0.9", "10.0.0.1")),
        "reply": frame(0x0806, arp(2, HOST, "10.0.0.9", "10.0.0.1")),
        "probe": frame(0x0806, arp(1, HOST, "0.0.0.0", "10.0.0.9")),
        "tagged": tagged(20, frame(0x0806, arp(1, HOST, "10.0.0.9", "10.0.0.1"))),
        "not_ipv4": frame(0x0806, struct.pack("!HHBBH", 6, 0x86DD, 8, 16, 1) + b"\0" * 40),
    },
    "mdns": {
        "announce": ANNOUNCE, "bomb": BOMB, "loop": LOOP, "deep": DEEP,
        "pointer": dns(record(b"\x01b\xc0\x0c", 1, ip("10.0.0.9")), questions=labels(b"a", b"local") + b"\0\xff\0\x01",
                       asked=1),
        "hostile": dns(record(labels(HOSTILE, b"local"), 1, ip("10.0.0.9"))),
    },
    "netbios": {
        "registration": netbios(b"WORKSTATION"), "group": netbios(b"OFFICE", 0x1E, 0x8000),
        "hostile": netbios(b"=1+1\x1b<b>"), "refresh": netbios(b"SERVER", 0x20, operation=8),
        "not_half_octets": netbios(b"X").replace(b"A", b"Z"),
    },
    "lldp": {
        "switch": lldp(), "hostile": lldp(HOSTILE), "vlan": lldp(more=tlv(127, b"\0\x80\xc2\x01\0\x14")),
        "unknown": lldp(more=tlv(99, b"\0" * 300)), "bye": lldp().replace(b"\x06\x02\0\x78", b"\x06\x02\0\0"),
        "address_ids": tlv(1, b"\x05\x01" + ip("10.0.0.2")) + tlv(2, b"\x04\x01" + ip("10.0.0.2")) + tlv(3, b"\0\x78"),
    },
    "cdp": {
        "switch": cdp(), "hostile": cdp(HOSTILE), "padded": cdp() + b"\0" * 12,
        "addresses": cdp(more=element(2, b"\xff\xff\xff\xff\x01")), "odd": cdp(b"abc"),
    },
    "frames": {
        "arp_reply": frame(0x0806, arp(2, HOST, "10.0.0.9", "10.0.0.1")),
        "arp_tagged": tagged(20, frame(0x0806, arp(1, HOST, "10.0.0.9", "10.0.0.1"))),
        "discover": udp("0.0.0.0", "255.255.255.255", 68, 67, DISCOVER),
        "offer": udp("10.0.0.1", "255.255.255.255", 67, 68, OFFER, mac=SWITCH),
        "rogue": udp("10.0.0.66", "255.255.255.255", 67, 68, ROGUE, mac=SWITCH),
        "mdns": udp("10.0.0.9", "224.0.0.251", 5353, 5353, ANNOUNCE, MDNS_GROUP),
        "mdns_hostile": udp("10.0.0.9", "224.0.0.251", 5353, 5353,
                            dns(record(labels(HOSTILE, b"local"), 1, ip("10.0.0.9"))), MDNS_GROUP),
        "netbios": udp("10.0.0.9", "10.0.0.255", 137, 137, netbios(b"WORKSTATION")),
        "lldp": frame(0x88CC, lldp(), bytes.fromhex("0180c200000e"), SWITCH),
        "lldp_hostile": frame(0x88CC, lldp(HOSTILE), bytes.fromhex("0180c200000e"), SWITCH),
        "cdp": cdp_frame(cdp()),
        "cdp_hostile": cdp_frame(cdp(HOSTILE)),
    },
}


def main():
    for target, inputs in TARGETS.items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in inputs.items():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
