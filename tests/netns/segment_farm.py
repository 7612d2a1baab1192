#!/usr/bin/env python3
"""A segment's worth of hosts on one interface: answers ARP for many, and sends what it is told to, one order a line.

    segment_farm.py INTERFACE

Orders: "host MAC IP", "gone MAC", "move MAC IP", "frame HEX", "flood COUNT PER_SECOND", "replay FILE PER_SECOND"
(a frame in hex on each line), "listen IP" (counts ARP questions, ICMP and TCP for that address), "asked IP". Each is answered with a line.
"""

import random
import select
import socket
import struct
import sys
import time

ETH_ARP = 0x0806
ALL = 3


def mac_bytes(text):
    return bytes.fromhex(text.replace(":", ""))


def ip_bytes(text):
    return socket.inet_aton(text)


def arp(operation, mac, ip, to_mac, to_ip):
    to = to_mac if operation == 2 else b"\xff" * 6
    return (to + mac + struct.pack("!HHHBBH", ETH_ARP, 1, 0x0800, 6, 4, operation) + mac + ip
            + (to_mac if operation == 2 else b"\0" * 6) + to_ip).ljust(60, b"\0")


class Farm:
    def __init__(self, interface):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind((interface, 0))
        membership = struct.pack("iHH8s", socket.if_nametoindex(interface), 1, 0, b"")
        self.socket.setsockopt(263, 1, membership)  # SOL_PACKET, PACKET_ADD_MEMBERSHIP, promiscuous.
        self.holders = {}  # IP -> list of MACs.
        self.asked = {}

    def run(self):
        while True:
            ready, _, _ = select.select([self.socket, sys.stdin], [], [])
            if self.socket in ready:
                self.hear(self.socket.recv(2048))
            if sys.stdin in ready:
                line = sys.stdin.readline()
                if not line:
                    return
                print(self.obey(*line.split()), flush=True)

    def hear(self, frame):
        kind = struct.unpack("!H", frame[12:14])[0]
        if kind == 0x0800 and frame[30:34] in self.asked:
            self.asked[frame[30:34]] += 1
        if kind != ETH_ARP or frame[20:22] != b"\0\x01":
            return
        target = frame[38:42]
        if target in self.asked:
            self.asked[target] += 1
        for mac in self.holders.get(target, []):
            self.socket.send(arp(2, mac, target, frame[22:28], frame[28:32]))

    def forget(self, mac):
        for macs in self.holders.values():
            if mac in macs:
                macs.remove(mac)

    def obey(self, order, *words):
        if order == "host":
            self.holders.setdefault(ip_bytes(words[1]), []).append(mac_bytes(words[0]))
        elif order == "gone":
            self.forget(mac_bytes(words[0]))
        elif order == "move":
            self.forget(mac_bytes(words[0]))
            self.holders.setdefault(ip_bytes(words[1]), []).append(mac_bytes(words[0]))
        elif order == "frame":
            self.socket.send(bytes.fromhex(words[0]))
        elif order == "flood":
            return self.flood(int(words[0]), float(words[1]))
        elif order == "replay":
            self.send_paced((bytes.fromhex(line) for line in open(words[0])), float(words[1]))
        elif order == "listen":
            self.asked[ip_bytes(words[0])] = 0
        elif order == "asked":
            return str(self.asked[ip_bytes(words[0])])
        else:
            return f"no order {order}"
        return "done"

    def flood(self, count, per_second):
        """Made-up cards that ask for the gateway."""
        chance = random.Random(1)

        def question(n):
            mac = bytes([0x02]) + chance.randbytes(5)
            return arp(1, mac, bytes([10, 91, 0, 1 + n % 250]), b"", ip_bytes("10.91.0.1"))

        self.send_paced(map(question, range(count)), per_second)
        return "done"

    def send_paced(self, frames, per_second):
        due = time.monotonic()
        for frame in frames:
            self.socket.send(frame)
            due += 1 / per_second
            time.sleep(max(0, due - time.monotonic()))


Farm(sys.argv[1]).run()
