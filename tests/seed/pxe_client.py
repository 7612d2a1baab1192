#!/usr/bin/env python3
"""A machine that boots from the network, as far as its DHCPDISCOVER: prints the boot file it is offered.

    pxe_client.py INTERFACE MAC [ipxe]

Asks as UEFI x64 firmware does (option 60 "PXEClient", option 93 type 7), or as the iPXE that it has loaded (option 77,
too), and repeats until the answer of a proxy (one without an address to hand out) comes. Exit code 1 when none came.
"""

import os
import socket
import struct
import sys

TRIES = 20
WAIT_S = 0.5  # Firmware waits 4 s; nothing is lost between two ends of a veth.
COOKIE = b"\x63\x82\x53\x63"  # RFC 2131 section 3.


def discover(transaction, mac, user_class):
    head = struct.pack(">BBBB4sHH", 1, 1, 6, 0, transaction, 0, 0x8000)  # Answers by broadcast.
    addresses = bytes(16) + mac + bytes(10)
    options = b"\x35\x01\x01" + b"\x37\x03\x3c\x42\x43"
    vendor = b"PXEClient:Arch:00007:UNDI:003016"
    options += bytes((60, len(vendor))) + vendor
    options += b"\x5d\x02\x00\x07" + b"\x5e\x03\x01\x03\x10" + b"\x61\x11\x00" + bytes(10) + mac + b"\xff"
    if user_class:
        options = options[:-1] + bytes((77, len(user_class))) + user_class + b"\xff"
    return head + addresses + bytes(192) + COOKIE + options


def option(message, wanted):
    at = 240
    while at + 1 < len(message) and message[at] != 0xFF:
        if message[at] == 0:
            at += 1
            continue
        code, length = message[at], message[at + 1]
        if code == wanted:
            return message[at + 2 : at + 2 + length]
        at += 2 + length
    return None


def offered_file(message, transaction):
    """The boot file of a proxy's offer to us, or None."""
    if len(message) < 240 or message[0] != 2 or message[4:8] != transaction:
        return None
    if message[16:20] != bytes(4) or not (option(message, 60) or b"").startswith(b"PXEClient"):
        return None
    name = option(message, 67) or message[108:236]
    return name.rstrip(b"\0").decode()


def main():
    interface, mac = sys.argv[1], bytes.fromhex(sys.argv[2].replace(":", ""))
    user_class = b"iPXE" if sys.argv[3:] == ["ipxe"] else b""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        line.bind(("", 68))
        line.settimeout(WAIT_S)
        transaction = os.urandom(4)
        for _ in range(TRIES):
            line.sendto(discover(transaction, mac, user_class), ("255.255.255.255", 67))
            try:
                while True:
                    name = offered_file(line.recv(2048), transaction)
                    if name is not None:
                        print(name)
                        return 0
            except socket.timeout:
                continue
    return 1


if __name__ == "__main__":
    sys.exit(main())
