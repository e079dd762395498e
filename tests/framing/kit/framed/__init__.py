"""Requests as raw bytes, and what must come of each: one table for the gateway and for servers beside it."""

from __future__ import annotations

from dataclasses import dataclass

BODY = b'{"model":"far/m","text":"Hi","stream":false}'
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
END = b"0\r\n\r\n"
FIRST = b"POST /v1/toy HTTP/1.1\r\n"
HOST = b"Host: gateway.example\r\n"
KEY = b"Authorization: Bearer admin\r\n"


@dataclass(frozen=True)
class Case:
    """status: of the reply, 0 where the connection just ends. reached: the texts that came upstream, in order.

    kept: whether another request is answered on the connection.
    """

    name: str
    sent: bytes
    status: int
    reached: tuple[str, ...] = ()
    kept: bool = False


def post(headers: bytes = LENGTH, body: bytes = BODY, *, first: bytes = FIRST, host: bytes = HOST) -> bytes:
    return first + host + KEY + headers + b"\r\n" + body


def chunks(*sizes: bytes, end: bytes = END) -> bytes:
    """The body in pieces, each behind its own chunk line as given."""
    count = len(sizes)
    step = -(-len(BODY) // count)
    pieces = [BODY[at : at + step] for at in range(0, len(BODY), step)]
    return b"".join(size + piece + b"\r\n" for size, piece in zip(sizes, pieces, strict=True)) + end


def served(name: str, sent: bytes, *, kept: bool = True) -> Case:
    """Understood in the one way there is: its body went upstream."""
    return Case(name, sent, 200, ("Hi",), kept)


def refused(name: str, sent: bytes, status: int = 400) -> Case:
    """Nothing of it went upstream, and nothing behind it is read."""
    return Case(name, sent, status)
