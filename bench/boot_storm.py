#!/usr/bin/env python3
"""Many machines that boot at once: DISCOVER, boot server, size probe, loader, script.

    boot_storm.py SERVER MACHINES [discover]

Machine N has the MAC 52:54:00:aa:00:N and the address 10.99.1.N+1; with `discover` each is content with its offer, and
beyond 256 they share MACs. Prints "served S seconds T failed WHY".
"""

import asyncio
import os
import re
import socket
import struct
import sys
import time

COOKIE = bytes.fromhex("63825363")
TIMEOUT = 4       # Firmware's first; it tries four times.
TRIES = 4
SO_RCVBUFFORCE = 33   # socket(7); Python has no name for it.
RECEIVE_BYTES = 8 << 20


def option(code, data):
    return bytes([code, len(data)]) + data


def message(kind, mac, xid, ciaddr, more=b"", giaddr="0.0.0.0"):
    header = struct.pack("!BBBBIHH", 1, 1, 6, 0, xid, 0, 0x8000) + socket.inet_aton(ciaddr) + bytes(8) + socket.inet_aton(giaddr)
    options = (option(53, bytes([kind])) + option(60, b"PXEClient:Arch:00007:UNDI:003016") + option(93, b"\0\7")
               + option(94, b"\x01\x03\x10") + option(97, b"\0" + mac * 2 + bytes(4)) + more + b"\xff")
    return header + mac.ljust(16, b"\0") + bytes(192) + COOKIE + options


def options_of(packet):
    found, at = {}, 240
    while at < len(packet) and packet[at] != 255:
        if packet[at] == 0:
            at += 1
            continue
        found[packet[at]] = packet[at + 2:at + 2 + packet[at + 1]]
        at += 2 + packet[at + 1]
    return found


class Queue(asyncio.DatagramProtocol):
    def __init__(self):
        self.packets = asyncio.Queue()

    def datagram_received(self, data, sender):
        self.packets.put_nowait((data, sender))


async def open_socket(address, port):
    loop = asyncio.get_running_loop()
    transport, queue = await loop.create_datagram_endpoint(Queue, local_addr=(address, port))
    # One socket takes the answers of all; a kernel's own size holds a few hundred.
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BYTES)
    return transport, queue.packets


async def ask(transport, packets, data, to):
    for _ in range(TRIES):
        transport.sendto(data, to)
        try:
            return await asyncio.wait_for(packets.get(), TIMEOUT)
        except asyncio.TimeoutError:
            continue
    raise RuntimeError("no answer from port %d" % to[1])


async def fetch(server, address, name, probe):
    """TFTP as EDK2 does it: with tsize, broken off after the OACK when it is a probe."""
    transport, packets = await open_socket(address, 0)
    request = b"\0\1" + name + b"\0octet\0" + (b"tsize\0000\0" if probe else b"blksize\0001468\0windowsize\0004\0")
    packet, peer = await ask(transport, packets, request, (server, 69))
    if packet[:2] != b"\0\6":
        raise RuntimeError("TFTP: no OACK for %s" % name)
    if probe:
        transport.sendto(b"\0\5\0\x08aborted\0", peer)
        transport.close()
        return 0
    size, block, last = 0, 0, b"\0\4\0\0"
    transport.sendto(last, peer)
    while True:
        try:
            packet, _ = await asyncio.wait_for(packets.get(), 1)
        except asyncio.TimeoutError:
            transport.sendto(last, peer)
            continue
        number = struct.unpack("!H", packet[2:4])[0]
        if number != block + 1:
            continue
        block, size = number, size + len(packet) - 4
        done = len(packet) - 4 < 1468
        if done or block % 4 == 0:
            last = struct.pack("!HH", 4, block)
            transport.sendto(last, peer)
        if done:
            transport.close()
            return size


async def http_get(server, address, path):
    reader, writer = await asyncio.open_connection(server, 9080, local_addr=(address, 0))
    writer.write(b"GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % (path, server.encode()))
    answer = await reader.read()
    writer.close()
    return answer


class Segment:
    """What all machines have in common: the broadcasts."""

    def __init__(self, relay):
        self.relay = relay
        self.waiting = {}

    async def start(self):
        self.transport, self.packets = await open_socket(self.relay, 67)
        asyncio.create_task(self.read())

    async def read(self):
        while True:
            packet, _ = await self.packets.get()
            queue = self.waiting.get(packet[4:8])
            if queue:
                queue.put_nowait((packet, None))

    async def discover(self, server, mac, more):
        xid = int.from_bytes(os.urandom(4), "big")
        queue = self.waiting[struct.pack("!I", xid)] = asyncio.Queue()
        packet, _ = await ask(self.transport, queue, message(1, mac, xid, "0.0.0.0", more, self.relay), (server, 67))
        return options_of(packet)


async def machine(number, server, segment, only_discovers):
    mac = bytes.fromhex("525400aa00%02x" % (number % 256))
    address = "10.99.1.%d" % (number + 1)
    offer = await segment.discover(server, mac, b"")
    if only_discovers:
        return
    if 43 in offer or offer[60] != b"PXEClient":
        raise RuntimeError("offer: %r" % offer)
    transport, packets = await open_socket(address, 4011)
    ack = options_of((await ask(transport, packets, message(3, mac, number, address), (server, 4011)))[0])
    transport.close()
    loader = ack[67]
    await fetch(server, address, loader, True)
    if await fetch(server, address, loader, False) < 100000:
        raise RuntimeError("the loader is short")
    ipxe = option(77, b"iPXE") + option(175, b"\x13\x01\x01\x24\x01\x01\x18\x01\x01")
    script = (await segment.discover(server, mac, ipxe))[67]
    prefix = b"http://%s:9080" % server.encode()
    if not script.startswith(prefix):
        raise RuntimeError("no script: %r" % script)
    # What iPXE puts in for its settings; this machine has none.
    path = re.sub(rb"\$\{[^}]*\}", b"", script[len(prefix):])
    answer = await http_get(server, address, path)
    if b" 200 " not in answer.split(b"\r\n")[0] or b"#!ipxe" not in answer:
        raise RuntimeError("script: %r" % answer[:80])


async def main():
    server, count, only_discovers = sys.argv[1], int(sys.argv[2]), sys.argv[3:] == ["discover"]
    segment = Segment("10.99.0.2")
    await segment.start()
    began = time.monotonic()
    ends = await asyncio.gather(*(machine(n, server, segment, only_discovers) for n in range(count)), return_exceptions=True)
    failed = [str(end) or repr(end) for end in ends if end is not None]
    print("served %d seconds %.3f failed %s" % (count - len(failed), time.monotonic() - began, sorted(set(failed)) or "none"))
    return 1 if failed else 0


sys.exit(asyncio.run(main()))
