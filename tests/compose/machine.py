"""A machine that network-boots, as far as its first question: prints what the offer holds.

machine.py INTERFACE MAC: sends a PXE DHCPDISCOVER (RFC 2131, RFC 4578) and waits for the answer.
Exit code 1 when none came.
"""

import socket
import struct
import sys
import time

WAIT_S = 3.0


def discover(mac: bytes) -> bytes:
    fixed = struct.pack("!BBBBIHH4s4s4s4s16s64s128s", 1, 1, 6, 0, 0x71C01234, 0, 0x8000, b"", b"",
                        b"", b"", mac, b"", b"")
    options = bytes([53, 1, 1, 93, 2, 0, 7, 94, 3, 1, 3, 16, 60, 32])
    options += b"PXEClient:Arch:00007:UNDI:003016"
    options += bytes([97, 17, 0]) + mac + bytes(10) + bytes([55, 4, 1, 43, 60, 67, 255])
    return fixed + b"\x63\x82\x53\x63" + options


def main() -> int:
    interface, mac = sys.argv[1], bytes.fromhex(sys.argv[2].replace(":", ""))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0")
        sock.bind(("", 68))
        sock.sendto(discover(mac), ("255.255.255.255", 67))
        until = time.monotonic() + WAIT_S
        while (left := until - time.monotonic()) > 0:
            sock.settimeout(left)
            try:
                answer, sender = sock.recvfrom(2048)
            except TimeoutError:
                break
            if answer[:1] == b"\x02" and answer[28:34] == mac:
                print(f"offer from {sender[0]}, next server {socket.inet_ntoa(answer[20:24])}")
                return 0
    print("no offer")
    return 1


sys.exit(main())
