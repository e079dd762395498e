"""A reply that is one JSON text: nothing can be read of it before it is whole."""

from __future__ import annotations

from abc import abstractmethod

from ..dialect import Decoder, Tap
from ..errors import GatewayError, UpstreamBroken
from ..events import Event

BODY_LIMIT = 2**27
"""Bytes of one text."""


class BodyDecoder(Decoder):
    """Holds the bytes; events come at the end."""

    def __init__(self) -> None:
        self._body = bytearray()

    def feed(self, data: bytes) -> list[Event]:
        self._body += data
        if len(self._body) > BODY_LIMIT:
            self._body.clear()
            raise UpstreamBroken("The upstream's reply is too large.")
        return []

    def finish(self) -> list[Event]:
        return self.read(bytes(self._body))

    @abstractmethod
    def read(self, body: bytes) -> list[Event]: ...


class BodyTap(Tap):
    """Passes the bytes on, and reads them at the end. output_bytes: all of them, until `read` knows better."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> bytes:
        self._pieces.append(data)
        self.output_bytes += len(data)
        return data

    def fail(self, error: GatewayError) -> bytes:
        """Nothing can be told within half a JSON text; the connection has to break."""
        return b""

    def finish(self) -> bytes:
        pieces = self._pieces
        self.read(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        return b""

    @abstractmethod
    def read(self, body: bytes) -> None: ...
