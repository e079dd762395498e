"""WebSocket frames (RFC 6455), the server's side, sans-IO: bytes to whole messages, and messages to bytes."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Iterator
from enum import IntEnum

import msgspec

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_LONGEST_CONTROL = 125


class Opcode(IntEnum):
    MORE = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class Received(msgspec.Struct, frozen=True):
    """A whole message, or a control frame."""

    opcode: Opcode
    payload: bytes


class BadFrame(Exception):
    """What came is no message that may be taken. code: to close with."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


PROTOCOL_ERROR, NOT_TEXT, TOO_LARGE = 1002, 1007, 1009


def accept(key: str) -> str | None:
    """`Sec-WebSocket-Accept`; None where the key is none."""
    try:
        if len(b64decode(key, validate=True)) != 16:
            return None
    except (Error, ValueError):
        return None
    return b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()


def frame(opcode: Opcode, payload: bytes) -> bytes:
    """One frame with all of a message; a server's are not masked."""
    size, first = len(payload), bytes((0x80 | opcode,))
    if size <= _LONGEST_CONTROL:
        return first + bytes((size,)) + payload
    if size < 2**16:
        return first + b"\x7e" + size.to_bytes(2) + payload
    return first + b"\x7f" + size.to_bytes(8) + payload


def closing(code: int, why: str = "") -> bytes:
    return frame(Opcode.CLOSE, code.to_bytes(2) + why.encode()[: _LONGEST_CONTROL - 2])


class Frames:
    """A client's bytes to what it sent, whatever the split of the reads. most: bytes of one message."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = bytearray()
        self._opcode: Opcode | None = None
        self._parts = bytearray()

    def feed(self, data: bytes) -> Iterator[Received]:
        """Raises BadFrame, after which nothing may be fed any more."""
        self._held += data
        while (taken := self._frame()) is not None:
            final, opcode, payload = taken
            if opcode >= Opcode.CLOSE:
                yield Received(opcode, payload)
            elif (whole := self._joined(final, opcode, payload)) is not None:
                yield whole

    def _frame(self) -> tuple[bool, Opcode, bytes] | None:
        held = self._held
        if len(held) < 2:
            return None
        final, opcode = _first(held[0])
        if not held[1] & 0x80:
            raise BadFrame(PROTOCOL_ERROR, "a client's frames are masked")
        size, start = held[1] & 0x7F, 2
        if opcode >= Opcode.CLOSE and (not final or size > _LONGEST_CONTROL):
            raise BadFrame(PROTOCOL_ERROR, "a control frame is short and whole")
        if size > _LONGEST_CONTROL:
            width = 2 if size == 126 else 8
            if len(held) < start + width:
                return None
            size, start = int.from_bytes(held[2 : 2 + width]), start + width
        if size + len(self._parts) > self._most:
            raise BadFrame(TOO_LARGE, f"a message may have {self._most} bytes")
        end = start + 4 + size
        if len(held) < end:
            return None
        payload = _unmasked(bytes(held[start + 4 : end]), bytes(held[start : start + 4]))
        del held[:end]
        return final, opcode, payload

    def _joined(self, final: bool, opcode: Opcode, payload: bytes) -> Received | None:
        if (opcode is Opcode.MORE) != (self._opcode is not None):
            raise BadFrame(PROTOCOL_ERROR, "a message is not in one piece after the other")
        self._opcode = self._opcode or opcode
        self._parts += payload
        if not final:
            return None
        whole = Received(self._opcode, bytes(self._parts))
        self._opcode = None
        self._parts.clear()
        if whole.opcode is Opcode.TEXT:
            try:
                whole.payload.decode()
            except UnicodeDecodeError as error:
                raise BadFrame(NOT_TEXT, "a text is UTF-8") from error
        return whole


def _first(byte: int) -> tuple[bool, Opcode]:
    if byte & 0x70:
        raise BadFrame(PROTOCOL_ERROR, "no extension was agreed on")
    try:
        return bool(byte & 0x80), Opcode(byte & 0x0F)
    except ValueError as error:
        raise BadFrame(PROTOCOL_ERROR, "there is no such frame") from error


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    size = len(payload)
    masks = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(masks, "little")).to_bytes(size, "little")
