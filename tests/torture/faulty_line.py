"""A TCP line that can be cut, blackholed and healed: between a tentacle and its backend."""

import asyncio
import socket
import struct
import threading


class FaultyLine:
    """Forwards connections to `target` on a port of its own, in a thread of its own."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.port = None
        self._open = True
        self._flows = set()
        self._flowing = None
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        threading.Thread(target=self._run, args=(started,), daemon=True).start()
        started.wait()

    def cut(self):
        """Every connection is reset, and none is let through until heal()."""
        self._call(self._cut)

    def blackhole(self):
        """Connections stay and nothing passes any more: a half-open line."""
        self._call(lambda: (setattr(self, "_open", False), self._flowing.clear()))

    def heal(self):
        """Lets new connections through; those that were blackholed are gone."""
        self._call(self._heal)

    def _call(self, what):
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (what(), done.set()))
        done.wait()

    def _cut(self):
        self._open = False
        for writer in list(self._flows):
            raw = writer.get_extra_info("socket")
            if raw is not None:
                # RST instead of FIN.
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        self._flows.clear()

    def _heal(self):
        if not self._flowing.is_set():
            self._cut()
        self._flowing.set()
        self._open = True

    def _run(self, started):
        asyncio.set_event_loop(self._loop)
        self._flowing = asyncio.Event()
        self._flowing.set()
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        self._loop.run_forever()

    async def _serve(self, reader, writer):
        if not self._open:
            writer.transport.abort()
            return
        try:
            onward, back = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.transport.abort()
            return
        self._flows.update((writer, back))
        await asyncio.gather(self._pump(reader, back), self._pump(onward, writer))
        self._flows.difference_update((writer, back))

    async def _pump(self, reader, writer):
        try:
            while data := await reader.read(65536):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
