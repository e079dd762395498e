"""WebSocket frames: messages come whole whatever the split of the bytes, and what is against the rules is refused."""

from __future__ import annotations

import pytest

from gateway.wire.frames import BadFrame, Frames, Opcode, Received, accept, closing, frame

MASK = b"\x01\xfe\x80\x00"


def sent(opcode: int, payload: bytes, final: bool = True, masked: bool = True, bits: int = 0) -> bytes:
    """As a client sends it."""
    size = len(payload)
    head = bytes(((0x80 if final else 0) | bits | opcode,))
    mark = 0x80 if masked else 0
    if size < 126:
        head += bytes((mark | size,))
    elif size < 2**16:
        head += bytes((mark | 126,)) + size.to_bytes(2)
    else:
        head += bytes((mark | 127,)) + size.to_bytes(8)
    if not masked:
        return head + payload
    return head + MASK + bytes(byte ^ MASK[n % 4] for n, byte in enumerate(payload))


def received(*pieces: bytes, most: int = 2**20) -> list[Received]:
    frames = Frames(most)
    return [one for piece in pieces for one in frames.feed(piece)]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
def test_a_message_comes_whole_however_it_is_cut(size: int) -> None:
    data = sent(Opcode.TEXT, b"a" * size)
    expected = [Received(Opcode.TEXT, b"a" * size)]
    assert received(data) == expected
    assert received(*(data[n : n + 1] for n in range(min(len(data), 200))), data[200:]) == expected


def test_pieces_are_joined_and_control_frames_come_between_them() -> None:
    data = sent(Opcode.TEXT, "Grüß".encode()[:3], final=False) + sent(Opcode.PING, b"?")
    data += sent(Opcode.MORE, "Grüß".encode()[3:])
    assert received(data) == [Received(Opcode.PING, b"?"), Received(Opcode.TEXT, "Grüß".encode())]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (sent(Opcode.TEXT, b"a", masked=False), 1002),
        (sent(Opcode.TEXT, b"a", bits=0x40), 1002),
        (sent(3, b"a"), 1002),
        (sent(Opcode.MORE, b"a"), 1002),
        (sent(Opcode.TEXT, b"a", final=False) + sent(Opcode.TEXT, b"a"), 1002),
        (sent(Opcode.PING, b"a", final=False), 1002),
        (sent(Opcode.PING, b"a" * 126), 1002),
        (sent(Opcode.TEXT, b"\xff"), 1007),
        (sent(Opcode.TEXT, b"a" * 101), 1009),
        (sent(Opcode.TEXT, b"a" * 60, final=False) + sent(Opcode.MORE, b"a" * 60), 1009),
        (b"\x81\xff" + b"\x7f" + b"\xff" * 7, 1009),
    ],
    ids=[
        "unmasked",
        "extension",
        "unknown",
        "more-of-nothing",
        "begun-twice",
        "ping-in-pieces",
        "long-ping",
        "no-utf-8",
        "too-large",
        "too-large-together",
        "too-large-by-its-word",
    ],
)
def test_what_is_against_the_rules_is_refused(data: bytes, code: int) -> None:
    with pytest.raises(BadFrame) as caught:
        received(data, most=100)
    assert caught.value.code == code


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_what_a_server_sends_is_one_frame_without_a_mask(size: int) -> None:
    data = frame(Opcode.TEXT, b"a" * size)
    assert data[0] == 0x81
    assert not data[1] & 0x80
    assert data.endswith(b"a" * size)
    width = {0: 2, 125: 2, 126: 4, 65535: 4, 65536: 10}[size]
    assert len(data) == size + width


def test_the_handshake_is_answered_as_the_rfc_has_it() -> None:
    assert accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert accept("short") is None
    assert accept("!") is None
    assert closing(1001, "x" * 200)[1] == 125
