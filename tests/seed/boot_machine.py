#!/usr/bin/env python3
"""A machine from its DHCPDISCOVER to `done`, against a relay that may be gone at any moment.

    boot_machine.py NUMBER INTERFACE MAC ADDRESS SERVER JOURNAL

Does what firmware, iPXE and our ramdisk do, and repeats what failed as they do. Each step is a line "NUMBER STEP" in
JOURNAL before it begins, and each report that was answered 204 a line "NUMBER taken EVENT". Exit code 1 when it gave up.
"""

import http.client
import os
import re
import socket
import struct
import sys
import time
import urllib.parse

import pxe_client

EVENTS = ["booted", "downloading", "partitioning", "applying", "configuring", "firstboot", "done"]
AGAIN_S = 0.2      # The ramdisk waits 5 s; a restart of the relay takes less here.
PATIENCE_S = 120   # For any step; the ramdisk gives up after ten minutes.
TIMEOUT_S = 2
BLOCK = 512


class Gone(Exception):
    """The relay did not answer: what was asked is asked again."""


class StartOver(Exception):
    """The firmware begins anew."""


class Machine:
    def __init__(self, number, interface, mac, address, server, journal):
        self.number = number
        self.interface = interface
        self.mac_text = mac
        self.mac = bytes.fromhex(mac.replace(":", ""))
        self.address = address
        self.server = server
        self.journal = journal

    def note(self, text):
        with open(self.journal, "w", encoding="ascii") as journal:  # A pipe: one write, one line.
            journal.write(f"{self.number} {text}\n")

    def until_it_works(self, step, act):
        end = time.monotonic() + PATIENCE_S
        self.note(step)
        while True:
            try:
                return act()
            except (Gone, OSError, http.client.HTTPException) as error:
                if time.monotonic() > end:
                    sys.exit(f"machine {self.number}: {step}: {error!r}")
                time.sleep(AGAIN_S)

    def discover(self, user_class):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self.interface.encode())
            line.bind(("", 68))
            line.settimeout(TIMEOUT_S)
            transaction = os.urandom(4)
            line.sendto(pxe_client.discover(transaction, self.mac, user_class), ("255.255.255.255", 67))
            while True:
                name = pxe_client.offered_file(line.recv(2048), transaction)
                if name is not None:
                    return name

    def fetch(self, name):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.bind((self.address, 0))
            line.settimeout(TIMEOUT_S)
            line.sendto(b"\0\1" + name.encode() + b"\0octet\0blksize\0%d\0" % BLOCK, (self.server, 69))
            content, expected = b"", 1
            while True:
                try:
                    packet, sender = line.recvfrom(2048)
                except socket.timeout as silence:
                    raise Gone("TFTP is silent") from silence
                kind, number = struct.unpack(">HH", packet[:4])
                if kind == 5:
                    raise Gone(packet[4:].decode())
                if kind == 6:
                    line.sendto(struct.pack(">HH", 4, 0), sender)
                elif number == expected:
                    content += packet[4:]
                    line.sendto(struct.pack(">HH", 4, number), sender)
                    expected += 1
                    if len(packet) - 4 < BLOCK:
                        return content

    def ask(self, method, url, body=None, token=None):
        """(status, text) of what the relay says; 503 and silence are asked again."""
        parts = urllib.parse.urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT_S * 5)
        try:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            path = parts.path + ("?" + parts.query if parts.query else "")
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            if answer.status == 503:
                raise Gone(text)
            return answer.status, text
        finally:
            connection.close()

    def script(self, url):
        status, text = self.ask("GET", url)
        if status != 200:
            raise Gone(f"script: {status} {text}")
        token = re.search(r"tentacle\.token=([0-9a-f]+)", text)
        if token is None:
            raise Gone(f"a script without orders: {text}")
        return token[1]

    def orders(self, token):
        status, text = self.ask("GET", f"http://{self.server}:9080/orders?token={token}")
        if status in (403, 410):  # Too often lost on the way.
            raise StartOver(text)
        if status != 200:
            sys.exit(f"machine {self.number}: orders: {status} {text}")
        return dict(line.split(" ", 1) for line in text.splitlines() if " " in line)

    def report(self, orders, event):
        status, text = self.ask("POST", orders["callback_url"], f'{{"event":"{event}"}}', orders["callback_token"])
        if status != 204:
            sys.exit(f"machine {self.number}: {event}: {status} {text}")

    def boot(self):
        name = self.until_it_works("discover", lambda: self.discover(b""))
        self.until_it_works("loader", lambda: self.fetch(name))
        url = self.until_it_works("discover-ipxe", lambda: self.discover(b"iPXE"))
        url = re.sub(r"\$\{[^}]*\}", "", url)  # What iPXE fills in; this machine has none.
        token = self.until_it_works("script", lambda: self.script(url))
        orders = self.until_it_works("orders", lambda: self.orders(token))
        for event in EVENTS:
            self.until_it_works(event, lambda event=event: self.report(orders, event))
            self.note(f"taken {event}")


def main():
    machine = Machine(*sys.argv[1:])
    while True:
        try:
            return machine.boot()
        except StartOver as why:
            machine.note(f"over {why}")


main()
