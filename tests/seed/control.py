"""How the test controls the seed backend: HTTP on loopback.

    GET  /seen                what came: connections, online, pings, received, requests, faults
    POST /send                the body goes down as a text frame
    POST /ping                204 once the tentacle has answered a ping
    POST /cut                 the line is cut without a word
    POST /close               an orderly close
    POST /away, /back         the backend is gone: connections are reset; it is there again
    POST /cut-pull?bytes=N    the next pull of an image ends after N bytes
"""

import asyncio
import json
import os

from http_text import problem, read_request, reply

PONG_PATIENCE_S = 10
GOING_AWAY = 1001  # RFC 6455 section 7.4.1.


class Control:
    def __init__(self, seed):
        self._seed = seed
        self._acts = {
            "/send": self._send,
            "/ping": self._ping,
            "/cut": self._cut,
            "/close": self._close,
            "/away": self._away,
            "/back": self._back,
            "/cut-pull": self._cut_pull,
        }

    async def handle(self, reader, writer):
        try:
            request = await read_request(reader)
            if request is not None:
                writer.write(await self._answer(request))
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _answer(self, request):
        if (request.method, request.path) == ("GET", "/seen"):
            return reply(200, json.dumps(self._seen()))
        act = self._acts.get(request.path)
        if request.method != "POST" or act is None:
            return problem(404, "no such control")
        if self._seed.live is None and request.path in ("/send", "/ping", "/cut", "/close"):
            return problem(409, "no tentacle is connected")
        try:
            await act(request)
        except (ConnectionError, asyncio.TimeoutError) as error:
            return problem(504, f"the tentacle did not take it: {error!r}")
        return reply(204, "")

    def _seen(self):
        seed = self._seed
        return {
            "connections": seed.connections,
            "online": seed.live is not None,
            "pings": seed.pings + (seed.live.pings if seed.live else 0),
            "received": seed.received,
            "requests": seed.requests,
            "faults": seed.faults,
        }

    async def _send(self, request):
        await self._seed.live.send(request.body.decode())

    async def _ping(self, _request):
        # Another payload each time, so that a late pong is not taken for this one's.
        await asyncio.wait_for(self._seed.live.ping(os.urandom(8)), PONG_PATIENCE_S)

    async def _cut(self, _request):
        self._seed.live.abort()

    async def _close(self, _request):
        await self._seed.live.close(GOING_AWAY)

    async def _away(self, _request):
        self._seed.away = True
        if self._seed.live is not None:
            self._seed.live.abort()

    async def _back(self, _request):
        self._seed.away = False

    async def _cut_pull(self, request):
        self._seed.cut_pull_after = int(request.query["bytes"][0])
