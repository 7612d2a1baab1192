#!/usr/bin/env python3
"""One word of a machine's firmware, and what must come of it. Exit code 0: it did.

    pxe_client.py offer|silence|boot-server|relay|tftp-silence|crowd|lease DEVICE MAC [--arch 7] [--vendor PXEClient] [--ipxe]
                  [--server ADDRESS] [--file NAME] [--address OURS] [--machines N] [--dhcp ADDRESS]

`crowd`: N machines at once, whose MACs count up from MAC; each asks as often as firmware does.
`lease`: N machines, one after the other, each of which has an offer of the DHCP server and one of ours, and takes the
address of the one and the file of the other. All talk is looked at for what does not belong there.
"""

import argparse
import os
import socket
import struct
import sys
import time

COOKIE = bytes.fromhex("63825363")
PATIENCE = 4      # Firmware's first window.
TRIES = 4         # And so many there are.
SILENCE = 1.0     # Our answers take milliseconds.
BROADCAST = 0x8000
CIRCUIT = b"\x01\x04eth7"


def option(code, data):
    return bytes([code, len(data)]) + data


def message(args, kind, ciaddr="0.0.0.0", giaddr="0.0.0.0", flags=0):
    args.xid = os.urandom(4)
    mac = bytes.fromhex(args.mac.replace(":", ""))
    header = (struct.pack("!BBBB", 1, 1, 6, 1 if giaddr != "0.0.0.0" else 0) + args.xid + struct.pack("!HH", 4, flags)
              + socket.inet_aton(ciaddr) + bytes(8) + socket.inet_aton(giaddr))
    options = option(53, bytes([kind])) + option(60, args.vendor.encode())
    if args.arch != "none":
        options += option(93, struct.pack("!H", int(args.arch))) + option(94, b"\x01\x03\x10")
    if args.ipxe:
        options += option(77, b"iPXE") + option(175, b"\x13\x01\x01\x24\x01\x01\x18\x01\x01")
    if giaddr != "0.0.0.0":
        options += option(82, CIRCUIT)
    return header + mac.ljust(16, b"\0") + bytes(192) + COOKIE + options + b"\xff"


def options_of(packet):
    found, at = {}, 240
    while packet[at] != 255:
        found[packet[at]] = packet[at + 2:at + 2 + packet[at + 1]]
        at += 2 + packet[at + 1]
    return found


def open_socket(args, address, port, device=True):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if device:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, args.device.encode())
    sock.bind((address, port))
    return sock


def answer(args, sock, patience=PATIENCE):
    """(packet, sender) with our transaction, or nothing."""
    until = time.monotonic() + patience
    while (left := until - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            packet, sender = sock.recvfrom(4096)
        except socket.timeout:
            return None
        if packet[4:8] == args.xid and packet[0] == 2:
            return packet, sender
    return None


def expect(what, wanted, got):
    if wanted != got:
        sys.exit("%s: wanted %r, got %r" % (what, wanted, got))


def check_reply(args, found, kind, port):
    if found is None:
        sys.exit("no answer")
    packet, sender = found
    options = options_of(packet)
    expect("sender", (args.server, port), sender)
    expect("type", bytes([kind]), options[53])
    expect("siaddr", args.server, socket.inet_ntoa(packet[20:24]))
    expect("option 54", args.server, socket.inet_ntoa(options[54]))
    expect("yiaddr", bytes(4), packet[16:20])
    expect("at least 300 octets", True, len(packet) >= 300)
    expect("header and option 67", packet[108:236].rstrip(b"\0"), options[67])
    if args.file:
        expect("file", args.file.encode(), options[67])
    return options


def offer(args):
    sock = open_socket(args, "", 68)
    sock.sendto(message(args, 1), ("255.255.255.255", 67))
    check_reply(args, answer(args, sock), 2, 67)


def silence(args):
    sock = open_socket(args, "", 68)
    sock.sendto(message(args, 1), ("255.255.255.255", 67))
    expect("answer", None, answer(args, sock, SILENCE))


def crowd(args):
    sock = open_socket(args, "", 68)
    first = int(args.mac.replace(":", ""), 16)
    waiting = {}
    for number in range(args.machines):
        args.mac = "%012x" % (first + number)
        packet = message(args, 1)
        waiting[args.xid] = packet
    for _ in range(TRIES):
        for packet in waiting.values():
            sock.sendto(packet, ("255.255.255.255", 67))
        until = time.monotonic() + PATIENCE
        while waiting and (left := until - time.monotonic()) > 0:
            sock.settimeout(left)
            try:
                packet, sender = sock.recvfrom(4096)
            except socket.timeout:
                break
            args.xid = packet[4:8]
            if packet[0] == 2 and waiting.pop(args.xid, None):
                check_reply(args, (packet, sender), 2, 67)
        if not waiting:
            return
    sys.exit("%d of %d machines were not answered" % (len(waiting), args.machines))


def lease(args):
    sock = open_socket(args, "", 68)
    first = int(args.mac.replace(":", ""), 16)
    for number in range(args.machines):
        args.mac = "%012x" % (first + number)
        # The interface has another MAC than the machines.
        sock.sendto(message(args, 1, flags=BROADCAST), ("255.255.255.255", 67))
        offers = {}
        while args.dhcp not in offers or args.server not in offers:
            packet, sender = answer(args, sock) or sys.exit("offers of %s only" % list(offers))
            offers[socket.inet_ntoa(options_of(packet)[54])] = (packet, sender)
        check_reply(args, offers[args.server], 2, 67)
        address = offers[args.dhcp][0][16:20]
        expect("an address", True, address != bytes(4))
        # The request names the one whose offer is taken (RFC 2131 section 3.1); the others keep silent.
        request = message(args, 3, flags=BROADCAST)[:-1] + option(54, socket.inet_aton(args.dhcp)) + option(50, address) + b"\xff"
        sock.sendto(request, ("255.255.255.255", 67))
        packet, _ = answer(args, sock) or sys.exit("no acknowledgement")
        options = options_of(packet)
        expect("acknowledgement", (socket.inet_aton(args.dhcp), bytes([5]), address), (options[54], options[53], packet[16:20]))
        expect("a second answer", None, answer(args, sock, SILENCE / 10))


def boot_server(args):
    sock = open_socket(args, args.address, 4011)
    sock.sendto(message(args, 3, ciaddr=args.address), (args.server, 4011))
    check_reply(args, answer(args, sock), 5, 4011)


def relay(args):
    sock = open_socket(args, args.address, 67)
    sock.sendto(message(args, 1, giaddr=args.address), (args.server, 67))
    options = check_reply(args, answer(args, sock), 2, 67)
    expect("circuit", CIRCUIT, options[82])


def tftp_silence(args):
    sock = open_socket(args, args.address, 0)
    sock.sendto(b"\0\1ipxe.efi\0octet\0", (args.server, 69))
    sock.settimeout(SILENCE)
    try:
        packet, _ = sock.recvfrom(4096)
    except socket.timeout:
        return
    sys.exit("it said %r" % packet[:40])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what")
    parser.add_argument("device")
    parser.add_argument("mac")
    parser.add_argument("--arch", default="7")
    parser.add_argument("--vendor", default="PXEClient:Arch:00007:UNDI:003016")
    parser.add_argument("--ipxe", action="store_true")
    parser.add_argument("--server", default="")
    parser.add_argument("--file", default="")
    parser.add_argument("--address", default="0.0.0.0")
    parser.add_argument("--machines", type=int, default=20)
    parser.add_argument("--dhcp", default="")
    args = parser.parse_args()
    {"offer": offer, "silence": silence, "boot-server": boot_server, "relay": relay,
     "tftp-silence": tftp_silence, "crowd": crowd, "lease": lease}[args.what](args)


main()
