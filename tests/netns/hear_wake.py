#!/usr/bin/env python3
"""Listens on an interface until the magic packet of a MAC came by UDP broadcast and, unless told not to, as
a raw frame. Prints "listening" when it listens and one line per kind when it has heard it.

    hear_wake.py INTERFACE MAC[/PASSWORD] KIND...      KIND is udp-limited, udp-subnet or raw

With a SecureOn password (six octets like a MAC) the packet has to end with it.
"""

import socket
import struct
import sys

ETHERTYPE_IPV4 = 0x0800
ETHERTYPE_WAKE_ON_LAN = 0x0842
ALL_ETHERTYPES = 3
PROTOCOL_UDP = 17
WAKE_PORT = 9
LIMITED_BROADCAST = b"\xff\xff\xff\xff"
PATIENCE_SECONDS = 30


def kind_of(frame, magic):
    ethertype = struct.unpack("!H", frame[12:14])[0]
    if ethertype == ETHERTYPE_WAKE_ON_LAN:
        # A card's padding may follow, but no password where none was given.
        return "raw" if frame[14:].rstrip(b"\0") == magic.rstrip(b"\0") else None
    if ethertype != ETHERTYPE_IPV4 or frame[23] != PROTOCOL_UDP:
        return None
    udp = 14 + (frame[14] & 0xF) * 4
    if struct.unpack("!H", frame[udp + 2 : udp + 4])[0] != WAKE_PORT or frame[udp + 8 :] != magic:
        return None
    return "udp-limited" if frame[30:34] == LIMITED_BROADCAST else "udp-subnet"


def main():
    interface, mac, *wanted = sys.argv[1:]
    mac, _, password = mac.replace(":", "").partition("/")
    magic = b"\xff" * 6 + bytes.fromhex(mac) * 16 + bytes.fromhex(password)
    listener = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_ETHERTYPES))
    listener.bind((interface, 0))
    listener.settimeout(PATIENCE_SECONDS)
    print("listening", flush=True)
    missing = set(wanted)
    while missing:
        try:
            frame = listener.recv(2048)
        except socket.timeout:
            sys.exit(f"not heard: {sorted(missing)}")
        kind = kind_of(frame, magic)
        if kind in missing:
            missing.remove(kind)
            print("heard", kind, flush=True)


if __name__ == "__main__":
    main()
