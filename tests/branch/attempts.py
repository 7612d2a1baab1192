#!/usr/bin/env python3
"""A machine's attempts to boot, as firmware makes them: who answers which.

    attempts.py INTERFACE MAC TRIES

Sends one DHCPDISCOVER TRIES times under one transaction, and prints a line for each: the servers that offered a boot
file before the next one, then the milliseconds to the first of them; "-" when there was none. Firmware waits 4, 8 and
16 s; the order is what counts here.
"""

import os
import pathlib
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "seed"))
import pxe_client  # noqa: E402

WAIT_S = 1.5  # Twice what a loaded machine with sanitizers was seen to take.


def offers(line, transaction, sent):
    """(server, milliseconds) of each offer until the time is over."""
    while (left := sent + WAIT_S - time.monotonic()) > 0:
        line.settimeout(left)
        try:
            message, sender = line.recvfrom(2048)
        except socket.timeout:
            return
        if pxe_client.offered_file(message, transaction) is not None:
            yield sender[0], (time.monotonic() - sent) * 1000


def main():
    interface, mac, tries = sys.argv[1], bytes.fromhex(sys.argv[2].replace(":", "")), int(sys.argv[3])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        line.bind(("", 68))
        transaction = os.urandom(4)
        for _ in range(tries):
            sent = time.monotonic()
            line.sendto(pxe_client.discover(transaction, mac, b""), ("255.255.255.255", 67))
            heard = list(offers(line, transaction, sent))
            print(",".join(server for server, _ in heard) or "-", *[f"{ms:.1f}" for _, ms in heard[:1]], flush=True)


if __name__ == "__main__":
    main()
