"""Replies as raw bytes, and what must come of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Ending = Literal["open", "close", "reset"]
OK = b"HTTP/1.1 200 OK\r\n"
BODY = b'{"id":"r","model":"m","text":"Hello"}'
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
SIZE = b"%x" % len(BODY)
LAST = b"0\r\n\r\n"
CHUNK = SIZE + b"\r\n" + BODY + b"\r\n"


@dataclass(frozen=True)
class Said:
    """body: what is read of it to its clean end; None where that must fail. ending: of the connection, once it is said.

    reused: whether the next request goes on the same connection.
    """

    name: str
    sent: bytes
    body: bytes | None
    status: int = 200
    ending: Ending = "open"
    reused: bool = False


def reply(headers: bytes = LENGTH, body: bytes = BODY, *, first: bytes = OK) -> bytes:
    return first + headers + b"\r\n" + body


def whole(name: str, sent: bytes, *, ending: Ending = "open", reused: bool = True) -> Said:
    return Said(name, sent, BODY, ending=ending, reused=reused and ending == "open")


def broken(name: str, sent: bytes, ending: Ending = "open") -> Said:
    return Said(name, sent, None, ending=ending)
