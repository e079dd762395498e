"""The framing of AWS event streams."""

from __future__ import annotations

from binascii import crc32
from collections.abc import Callable
from struct import pack

import pytest
from botocore.eventstream import EventStreamBuffer
from gateway_dialect_bedrock_converse.frames import LARGEST, Frames
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import UpstreamBroken

from_fixture = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
RawFrame = Callable[[bytes, bytes], bytes]

EVERY_TYPE = b"".join(
    b"\x02h%d" % kind + bytes([kind]) + value
    for kind, value in {
        0: b"",
        1: b"",
        2: b"\x01",
        3: pack("!h", -2),
        4: pack("!i", 3),
        5: pack("!q", 4),
        6: b"\x00\x02ab",
        7: b"\x00\x03\xc3\xbc!",
        8: pack("!q", 1_700_000_000_000),
        9: bytes(16),
    }.items()
)


def cut(data: bytes, at: list[int]) -> list[bytes]:
    ends = sorted(place % (len(data) + 1) for place in at)
    return [data[start:end] for start, end in zip([0, *ends], [*ends, len(data)], strict=True)]


@from_fixture
@given(payloads=st.lists(st.binary(max_size=40), max_size=5), places=st.lists(st.integers(0, 10_000), max_size=8))
def test_messages_are_the_same_for_any_split_and_as_botocore_reads_them(
    raw_frame: RawFrame, payloads: list[bytes], places: list[int]
) -> None:
    data = b"".join(raw_frame(EVERY_TYPE, payload) for payload in payloads)
    frames = Frames()
    found = [frame for piece in cut(data, places) for frame in frames.feed(piece)]
    assert [frame.payload for frame in found] == payloads
    assert not frames.partial
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    theirs = [message.headers["h7"] for message in buffer]
    assert [frame.headers for frame in found] == [{"h7": text} for text in theirs]


@from_fixture
@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_flipped_bit_anywhere_is_a_broken_stream(raw_frame: RawFrame, place: int, bit: int) -> None:
    data = bytearray(raw_frame(EVERY_TYPE, b'{"a":1}'))
    data[place % len(data)] ^= 1 << bit
    with pytest.raises(UpstreamBroken, match="event stream"):
        list(Frames().feed(bytes(data)))


def test_what_came_before_the_damage_is_given(raw_frame: RawFrame) -> None:
    found = Frames().feed(raw_frame(b"", b"one") + b"\x00" * 16)
    assert next(found).payload == b"one"
    with pytest.raises(UpstreamBroken):
        next(found)


@pytest.mark.parametrize(
    "headers",
    [
        b"\x05ab",
        b"\x01a\x0a",
        b"\x01a\x07\x00\x05ab",
        b"\x01\xff\x00",
        b"\x01a\x07\x00\x01\xff",
        b"\x01",
        b"\x01a\x05abc",
    ],
)
def test_headers_that_cannot_be_read_are_a_broken_stream(raw_frame: RawFrame, headers: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        list(Frames().feed(raw_frame(headers, b"")))


@pytest.mark.parametrize(("total", "headers"), [(15, 0), (0, 0), (LARGEST + 1, 0), (20, 5), (2**32 - 1, 2**32 - 1)])
def test_an_impossible_length_is_refused_at_once(total: int, headers: int) -> None:
    prelude = pack("!II", total, headers)
    with pytest.raises(UpstreamBroken, match="impossible length"):
        list(Frames().feed(prelude + pack("!I", crc32(prelude))))


def test_a_part_of_a_message_is_held(raw_frame: RawFrame) -> None:
    frames = Frames()
    assert list(frames.feed(raw_frame(b"", b"abc")[:-1])) == []
    assert frames.partial
