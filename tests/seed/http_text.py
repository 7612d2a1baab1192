"""As much of HTTP/1.1 as the seed backend needs: one request a connection."""

import asyncio
import json
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

MAX_BODY_BYTES = 1 << 20
REASONS = {
    101: "Switching Protocols",
    200: "OK",
    201: "Created",
    204: "No Content",
    206: "Partial Content",
}


@dataclass
class Request:
    method: str
    path: str
    query: dict
    headers: dict  # Names in lower case.
    body: bytes


async def read_request(reader):
    """The request, or None when the client said nothing that is one."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3:
        return None
    headers = {}
    for line in filter(None, lines):
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    length = int(headers.get("content-length", "0"))
    if length > MAX_BODY_BYTES:
        return None
    target = urlsplit(words[1])
    body = await reader.readexactly(length)
    return Request(words[0], target.path, parse_qs(target.query), headers, body)


def reply(status, body, headers=None):
    """The bytes of an answer. With a body of None the caller sends it and has said its length."""
    fields = dict(headers or {})
    if status != 101:
        fields["Connection"] = "close"
    if body is not None and status not in (101, 204):
        fields.setdefault("Content-Type", "application/json")
        fields["Content-Length"] = str(len(body.encode()))
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Refused')}"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + (body or "")).encode()


def problem(status, detail):
    """An error as the specification's errors are (RFC 9457)."""
    body = json.dumps({"type": "about:blank", "title": "refused", "status": status, "detail": detail})
    return reply(status, body, {"Content-Type": "application/problem+json"})
