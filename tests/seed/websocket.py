"""The server's side of RFC 6455 over asyncio streams: text, ping and pong, close. No extensions."""

import asyncio
import base64
import hashlib
import struct

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
CONTINUATION = 0x0
MAX_MESSAGE_BYTES = 1 << 20
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class ProtocolError(Exception):
    """The client broke RFC 6455; the text says how."""


def accept_key(key):
    """Section 4.2.2: the answer to Sec-WebSocket-Key."""
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode()


class WebSocket:
    """One connection after its handshake."""

    def __init__(self, reader, writer):
        self.pings = 0
        self._reader = reader
        self._writer = writer
        self._pongs = asyncio.Queue()

    async def read(self):
        """The next text message, or None when the client has closed. Answers pings meanwhile."""
        parts, size = [], 0
        while True:
            final, opcode, payload = await self._read_frame()
            if opcode == PING:
                self.pings += 1
                await self._write_frame(PONG, payload)
            elif opcode == PONG:
                self._pongs.put_nowait(payload)
            elif opcode == CLOSE:
                await self._write_frame(CLOSE, payload[:2])
                return None
            elif opcode not in (TEXT, CONTINUATION) or (opcode == CONTINUATION) != bool(parts):
                raise ProtocolError(f"a frame with opcode {opcode} where none may be")
            else:
                size += len(payload)
                if size > MAX_MESSAGE_BYTES:
                    raise ProtocolError("a message of more than 1 MiB")
                parts.append(payload)
                if final:
                    return self._text(b"".join(parts))

    async def send(self, text):
        await self._write_frame(TEXT, text.encode())

    async def ping(self, payload):
        """Section 5.5.3: the pong has to bring back what the ping had."""
        await self._write_frame(PING, payload)
        while await self._pongs.get() != payload:
            pass

    async def close(self, code):
        await self._write_frame(CLOSE, struct.pack(">H", code))

    def abort(self):
        """As when the line is cut: no close frame, no FIN, a reset."""
        self._writer.transport.abort()

    @staticmethod
    def _text(payload):
        try:
            return payload.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ProtocolError("a text that is not UTF-8") from error

    async def _read_frame(self):
        first, second = await self._reader.readexactly(2)
        opcode, length = first & 0x0F, second & 0x7F
        if first & 0x70:
            raise ProtocolError("a reserved bit is set though no extension was agreed on")
        if not second & 0x80:
            raise ProtocolError("a frame of a client that is not masked")  # Section 5.1.
        if opcode >= CLOSE and (length > 125 or not first & 0x80):
            raise ProtocolError("a control frame that is long or in parts")  # Section 5.5.
        if length == 126:
            (length,) = struct.unpack(">H", await self._reader.readexactly(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", await self._reader.readexactly(8))
        if length > MAX_MESSAGE_BYTES:
            raise ProtocolError("a frame of more than 1 MiB")
        mask = await self._reader.readexactly(4)
        masked = await self._reader.readexactly(length)
        repeated = (mask * (length // 4 + 1))[:length]
        payload = int.from_bytes(masked, "big") ^ int.from_bytes(repeated, "big")
        return bool(first & 0x80), opcode, payload.to_bytes(length, "big")

    async def _write_frame(self, opcode, payload):
        length = len(payload)
        if length < 126:
            head = struct.pack(">BB", 0x80 | opcode, length)
        elif length < 1 << 16:
            head = struct.pack(">BBH", 0x80 | opcode, 126, length)
        else:
            head = struct.pack(">BBQ", 0x80 | opcode, 127, length)
        self._writer.write(head + payload)
        await self._writer.drain()
