"""AWS event streams: messages with typed headers and two checksums, cut out of a byte stream.

Source: Smithy, "Amazon Event Stream Specification". A message is: total length, length of headers and CRC32 of these
eight bytes; headers; payload; CRC32 of all before. Numbers are big-endian.
"""

from __future__ import annotations

from binascii import crc32
from collections.abc import Iterator
from struct import Struct
from struct import error as StructError

from msgspec import Struct as Record

from gateway import UpstreamBroken

LARGEST = 25 * 2**20
"""AWS allows 24 MiB of payload and 128 KiB of headers."""
_PRELUDE = Struct("!III")
_NUMBER = Struct("!I")
_SHORT = Struct("!H")
_OVERHEAD = _PRELUDE.size + _NUMBER.size
_FIXED = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a value, by type: true, false, byte, short, integer, long, timestamp, uuid."""
_SIZED = (6, 7)
_TEXT = 7


class Frame(Record, frozen=True):
    """headers: those that are text; others say nothing here."""

    headers: dict[str, str]
    payload: bytes


class Frames:
    """Cuts messages out of reads, whatever their split."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = bytearray()

    @property
    def partial(self) -> bool:
        """Whether a part of a message is held."""
        return bool(self._held)

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Raises UpstreamBroken where the stream is damaged; what came before has been given then."""
        self._held += data
        start = 0
        try:
            while (size := self._size(start)) and len(self._held) - start >= size:
                frame = _frame(bytes(self._held[start : start + size]))
                start += size
                yield frame
        finally:
            del self._held[:start]

    def _size(self, start: int) -> int:
        """Of the message that begins at `start`; 0 where it is not known yet."""
        if len(self._held) - start < _PRELUDE.size:
            return 0
        total, headers, checksum = _PRELUDE.unpack_from(self._held, start)
        if crc32(self._held[start : start + 8]) != checksum:
            raise UpstreamBroken("The upstream's event stream is damaged: a length does not have its checksum.")
        if not _OVERHEAD + headers <= total <= LARGEST:
            raise UpstreamBroken("The upstream's event stream has a message of an impossible length.")
        return int(total)


def _frame(message: bytes) -> Frame:
    headers = _NUMBER.unpack_from(message, 4)[0]
    if crc32(message[:-4]) != _NUMBER.unpack_from(message, len(message) - 4)[0]:
        raise UpstreamBroken("The upstream's event stream is damaged: a message does not have its checksum.")
    end = _PRELUDE.size + headers
    return Frame(_headers(message[_PRELUDE.size : end]), message[end:-4])


def _headers(data: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    try:
        while at < len(data):
            length = data[at]
            name = data[at + 1 : at + 1 + length].decode()
            kind = data[at + 1 + length]
            at += 2 + length
            size = _FIXED.get(kind, 0)
            if kind in _SIZED:
                size = _SHORT.unpack_from(data, at)[0]
                at += 2
            elif kind not in _FIXED:
                raise UpstreamBroken("The upstream's event stream has a header of an unknown type.")
            if at + size > len(data):
                raise IndexError
            if kind == _TEXT:
                found[name] = data[at : at + size].decode()
            at += size
    except (IndexError, ValueError, StructError) as error:
        raise UpstreamBroken("The upstream's event stream has headers that cannot be read.") from error
    return found
