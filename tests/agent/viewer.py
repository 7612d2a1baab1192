#!/usr/bin/env python3
"""What an operator's tools do: REST, the WebSocket of a shell, server-sent events. Python's own library only."""

import base64
import hashlib
import json
import os
import socket
import struct
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Backend:
    def __init__(self, base, key_file):
        self.base = base
        self.key = open(key_file).read().strip()

    def call(self, method, path, body=None):
        """(status, decoded body or text)"""
        request = urllib.request.Request(self.base + path, method=method, headers={"X-API-Key": self.key})
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, data, timeout=60) as answer:
                return answer.status, _decoded(answer)
        except urllib.error.HTTPError as error:
            return error.code, _decoded(error)

    def job(self, node, data, kind="script", **more):
        status, job = self.call("POST", "/api/v1/jobs", {
            "targetType": "device", "targetId": node, "commandType": kind, "commandData": data, **more})
        assert status == 201, (status, job)
        return job["id"], job["instances"][0]["id"]

    def result(self, job, patience=60):
        def ended():
            instance = self.call("GET", f"/api/v1/jobs/{job}")[1]["instances"][0]
            return instance if instance["status"] not in ("pending", "running") else None

        instance = self.until(ended, patience)
        if instance is None:
            raise TimeoutError(f"job {job} has no result")
        return instance

    def until(self, look, patience=60):
        """What `look` gives as soon as it gives something: asked at each word of the live feed, the first included."""
        request = urllib.request.Request(self.base + "/api/v1/events", headers={"X-API-Key": self.key})
        end = time.monotonic() + patience
        with urllib.request.urlopen(request, timeout=patience) as feed:
            for line in feed:
                found = look() if line.strip() else None
                if found or time.monotonic() > end:
                    return found
        return look()

    def events(self, path, patience=60):
        """Pairs of event and data of a text/event-stream."""
        request = urllib.request.Request(self.base + path, headers={"X-API-Key": self.key})
        with urllib.request.urlopen(request, timeout=patience) as answer:
            event = ""
            for line in answer:
                line = line.decode().rstrip("\n")
                if line.startswith("event: "):
                    event = line[7:]
                elif line.startswith("data: "):
                    yield event, json.loads(line[6:])

    def open_shell(self, node, **request):
        body = {"reason": "a test", "user": os.environ.get("USER_NAME", "root"), **request}
        return self.call("POST", f"/api/v1/nodes/{node}/shells", body)


def _decoded(answer):
    text = answer.read().decode()
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


class Refused(Exception):
    """The handshake was answered with another status than 101."""


class Shell:
    """The viewer's end of a shell."""

    def __init__(self, base, ticket, origin=None):
        parts = urlsplit(base)
        self.sock = socket.create_connection((parts.hostname, parts.port), timeout=60)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.parts = b""
        self.text = ""
        self.states = []
        self.closed = None
        key = base64.b64encode(os.urandom(16)).decode()
        head = (f"GET /api/v1/shells/ws?ticket={ticket} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n")
        if origin:
            head += f"Origin: {origin}\r\n"
        self.sock.sendall((head + "\r\n").encode())
        while b"\r\n\r\n" not in self.buffer:
            self._fill()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        status = int(head.split()[1])
        if status != 101:
            raise Refused(status)
        accept = base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest())
        assert accept in head, "the handshake's answer"

    def _fill(self):
        data = self.sock.recv(1 << 18)
        if not data:
            raise ConnectionError("closed")
        self.buffer += data

    def _take(self, count):
        while len(self.buffer) < count:
            self._fill()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def _frame(self, opcode, payload):
        mask = os.urandom(4)
        length = len(payload)
        head = struct.pack(">BB", 0x80 | opcode, 0x80 | length) if length < 126 else \
            struct.pack(">BBH", 0x80 | opcode, 0x80 | 126, length)
        masked = bytes(octet ^ mask[i % 4] for i, octet in enumerate(payload))
        self.sock.sendall(head + mask + masked)

    def send(self, message):
        self._frame(1, json.dumps(message).encode())

    def type(self, text):
        self.send({"type": "input", "data": text})

    def read(self):
        """One message, taken note of; None for a frame of control, the end, or a message that has not ended."""
        first, second = self._take(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack(">H", self._take(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", self._take(8))
        payload = self._take(length)
        opcode = first & 0x0F
        if opcode == 9:
            self._frame(10, payload)
        if opcode not in (0, 1):
            return None
        self.parts += payload
        if not first & 0x80:
            return None
        message = json.loads(self.parts)
        self.parts = b""
        if message["type"] == "output":
            self.text += message["data"]
        elif message["type"] == "info":
            self.states.append(message["state"])
        elif message["type"] == "closed":
            self.closed = message["reason"]
        return message

    def until(self, text, patience=60):
        end = time.monotonic() + patience
        while text not in self.text:
            if self.closed is not None:
                raise ConnectionError(f"closed: {self.closed}; so far: {self.text[-500:]!r}")
            if time.monotonic() > end:
                raise TimeoutError(f"{text!r} did not come; so far: {self.text[-500:]!r}")
            self.read()

    def until_ready(self):
        while "ready" not in self.states:
            if self.closed is not None:
                raise ConnectionError(self.closed)
            self.read()

    def until_closed(self):
        while self.closed is None:
            self.read()
        return self.closed


def open_shell(backend, node, **request):
    status, ticket = backend.open_shell(node, **request)
    assert status == 201, (status, ticket)
    return ticket, Shell(backend.base, ticket["ticket"])


def rss_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("Rss:"))


if __name__ == "__main__":
    sys.exit("a module; see agent_test.sh")
