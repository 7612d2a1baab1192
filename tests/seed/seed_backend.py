#!/usr/bin/env python3
"""A backend that knows the product specification and nothing else: the seed peer of a tentacle.

    seed_backend.py --listen ADDRESS --images DIR --token TOKEN --ports FILE

Routes: POST /api/v1/tentacles/enroll, WS /api/v1/tentacles/ws, GET /api/v1/tentacles/images/ID/meta and /pull
(with Range); everything else is 404. Messages down are what the test says, up it takes the four of the
specification. There are no ids, no acknowledgements, no tables with a revision, no entity tags.

The test controls it over HTTP on loopback (control.py). FILE gets "<port> <control port>" once it listens.
Python's standard library is all it needs.
"""

import argparse
import asyncio
import base64
import binascii
import hashlib
import json
import os
import re
import signal
import time

import ed25519
import websocket
from contract import Contract
from control import Control
from http_text import problem, read_request, reply

NODE_ID = 17  # nodes.id is an INTEGER in the specification.
MAX_TOKEN_LIFETIME_S = 300
CLOCK_SKEW_S = 60
IMAGE_PATH = re.compile(r"/api/v1/tentacles/images/([A-Za-z0-9._-]+)/(meta|pull)")
RANGE = re.compile(r"bytes=(\d+)-(\d*)")
PIECE_BYTES = 64 * 1024


class Refused(Exception):
    """A request that is answered with a status and a sentence."""

    def __init__(self, status, detail):
        super().__init__(detail)
        self.status = status
        self.detail = detail


class SeedBackend:
    """All that the seed remembers, and its routes."""

    def __init__(self, images, token):
        self.live = None  # The WebSocket that is open.
        self.away = False  # As when the backend is down: connections are reset.
        self.cut_pull_after = None  # The next pull ends after so many bytes.
        self.connections = 0
        self.pings = 0
        self.received = []
        self.requests = []
        self.faults = []
        self._images = images
        self._token = token
        self._public_key = None
        self._contract = Contract()

    async def handle(self, reader, writer):
        if self.away:
            writer.transport.abort()
            return
        try:
            request = await read_request(reader)
            if request is not None:
                await self._route(request, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _route(self, request, reader, writer):
        noted = {"method": request.method, "path": request.path, "range": request.headers.get("range")}
        self.requests.append(noted)
        noted["status"] = 101
        image = IMAGE_PATH.fullmatch(request.path)
        try:
            if (request.method, request.path) == ("POST", "/api/v1/tentacles/enroll"):
                noted["status"] = 201
                writer.write(reply(201, json.dumps(self._enroll(request.body))))
            elif (request.method, request.path) == ("GET", "/api/v1/tentacles/ws"):
                self._check_token(request)
                await self._serve_socket(request, reader, writer)
            elif request.method == "GET" and image:
                self._check_token(request)
                noted["status"] = await self._serve_image(image[1], image[2], request, writer)
            else:
                raise Refused(404, "the specification has no such route")
        except Refused as refused:
            noted["status"] = refused.status
            writer.write(problem(refused.status, refused.detail))
        await writer.drain()

    def _enroll(self, body):
        try:
            wish = json.loads(body)
            key = base64.b64decode(wish["publicKey"], validate=True)
        except (ValueError, KeyError, TypeError) as error:
            raise Refused(422, f"the enrollment cannot be read: {error!r}") from error
        if wish.get("token") != self._token:
            raise Refused(401, "the enrollment token is not known")
        if len(key) != 32 or not wish.get("name"):
            raise Refused(422, "an enrollment needs a name and an Ed25519 key")
        self._public_key = key
        return {"nodeId": NODE_ID}

    def _check_token(self, request):
        """Header, claims, expiry and signature of the JWT (docs/protocol.md section 2)."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            signed, _, signature = token.rpartition(".")
            header, claims = (json.loads(_unpadded(part)) for part in signed.split("."))
            signature = _unpadded(signature)
        except (ValueError, binascii.Error) as error:
            raise Refused(401, "the token is not a JWT") from error
        now = time.time()
        wrong = [
            what
            for what, holds in (
                ("scheme", scheme == "Bearer"),
                ("header", header == {"alg": "EdDSA", "typ": "JWT"}),
                ("iss", claims.get("iss") == str(NODE_ID)),
                ("aud", claims.get("aud") == "octofleet"),
                ("jti", bool(claims.get("jti"))),
                ("iat", claims.get("iat", now * 2) <= now + CLOCK_SKEW_S),
                ("exp", now - CLOCK_SKEW_S < claims.get("exp", 0)),
                ("lifetime", claims.get("exp", 0) - claims.get("iat", 0) <= MAX_TOKEN_LIFETIME_S),
                ("signature", ed25519.verify(self._public_key or b"", signed.encode(), signature)),
            )
            if not holds
        ]
        if wrong:
            self.faults.append(f"a token with a wrong {', '.join(wrong)}")
            raise Refused(401, f"wrong in the token: {', '.join(wrong)}")

    async def _serve_socket(self, request, reader, writer):
        key = request.headers.get("sec-websocket-key", "")
        if request.headers.get("upgrade", "").lower() != "websocket" or not key:
            raise Refused(426, "this route speaks WebSocket")
        accept = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Accept": websocket.accept_key(key),
        }
        writer.write(reply(101, "", accept))
        socket = websocket.WebSocket(reader, writer)
        self.connections += 1
        self.live = socket
        try:
            await self._listen(socket, self.connections)
        except websocket.ProtocolError as error:
            self.faults.append(f"WebSocket: {error}")
            socket.abort()
        finally:
            self.pings += socket.pings
            if self.live is socket:
                self.live = None

    async def _listen(self, socket, number):
        while (text := await socket.read()) is not None:
            try:
                message = json.loads(text)
            except ValueError:
                message = None
            if not isinstance(message, dict):
                self.faults.append(f"no JSON object: {text[:200]}")
                continue
            self.received.append({"connection": number, "message": message})
            wrong = self._contract.fault(message)
            if wrong:
                self.faults.append(wrong)

    async def _serve_image(self, name, what, request, writer):
        path = os.path.join(self._images, name)
        if not os.path.isfile(path):
            raise Refused(404, "there is no such image")
        size = os.path.getsize(path)
        if what == "meta":
            meta = {"id": name, "name": name, "sizeBytes": size, "sha256": _sha256(path)}
            writer.write(reply(200, json.dumps(meta | {"format": "raw", "osType": "linux-image"})))
            return 200
        first, last, status = 0, size - 1, 200
        headers = {"Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
        asked = RANGE.fullmatch(request.headers.get("range", ""))
        if asked:
            first, last = int(asked[1]), min(int(asked[2] or last), last)
            if first > last:
                raise Refused(416, "the range is behind the end of the image")
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
            status = 206
        headers["Content-Length"] = str(last - first + 1)
        writer.write(reply(status, None, headers))
        await self._send_bytes(path, first, last, writer)
        return status

    async def _send_bytes(self, path, first, last, writer):
        left = last - first + 1
        cut_after, self.cut_pull_after = self.cut_pull_after, None
        if cut_after is not None:
            left = min(left, cut_after)
        with open(path, "rb") as file:
            file.seek(first)
            while left > 0:
                piece = file.read(min(PIECE_BYTES, left))
                writer.write(piece)
                await writer.drain()
                left -= len(piece)


def _unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def serve(options):
    seed = SeedBackend(options.images, options.token)
    control = Control(seed)
    public = await asyncio.start_server(seed.handle, options.listen, 0)
    private = await asyncio.start_server(control.handle, "127.0.0.1", 0)
    ports = [server.sockets[0].getsockname()[1] for server in (public, private)]
    # At once or not at all: the test waits for the file.
    with open(options.ports + ".new", "w", encoding="ascii") as file:
        print(*ports, file=file)
    os.rename(options.ports + ".new", options.ports)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()


def main():
    parser = argparse.ArgumentParser(description="A backend that knows the product specification alone")
    for name in ("listen", "images", "token", "ports"):
        parser.add_argument(f"--{name}", required=True)
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
