"""Targets of framings: server-sent events, AWS event streams, JSON arrays and lines; the same pieces at any split."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway_dialect_bedrock_converse.frames import Frame, Frames
from gateway_dialect_gemini import arrays
from inputs import reads, split

from gateway import sse
from gateway.errors import UpstreamBroken
from gateway.wire import lines


def server_sent(data: bytes) -> None:
    """Nothing is lost, and an event is the same however it came."""
    flags, body = split(data)
    came, rest = _events(reads(flags, body))
    assert b"".join(came) + rest == body
    assert _told(came, rest) == _told(*_events([body]))
    for event in [*came, rest]:
        sse.named(event)
        payload = sse.data(event)
        framed = sse.frame(payload)
        assert sse.data(framed) == payload.replace(b"\r\n", b"\n").replace(b"\r", b"\n"), (payload, framed)
    assert 0 <= sse.last_events(body, 3) <= len(body)


def aws(data: bytes) -> None:
    """The same frames and the same end, however they came."""
    flags, body = split(data)
    assert _frames(reads(flags, body)) == _frames([body])


def array(data: bytes) -> None:
    flags, body = split(data)
    came, rest, ended = _elements(reads(flags, body))
    assert b"".join(came) + rest == body
    assert (came, rest, ended) == _elements([body])


def json_lines(data: bytes) -> None:
    flags, body = split(data)
    came, rest = _lines(reads(flags, body))
    assert came + rest == body
    assert rest == _lines([body])[1]
    assert b"".join(b"".join(lines.texts(came)).split()) == b"".join(came.split())


def _events(pieces: Sequence[bytes]) -> tuple[list[bytes], bytes]:
    splitter = sse.Splitter()
    blocks = [splitter.whole(piece) for piece in pieces]
    return [event for block in blocks if block for event in sse.events(block)], splitter.rest()


def _told(came: list[bytes], rest: bytes) -> list[tuple[bytes, bytes]]:
    """Of blank lines one more or less says nothing."""
    return [(sse.named(event), sse.data(event)) for event in [*came, rest] if event.strip(b"\r\n")]


def _frames(pieces: Sequence[bytes]) -> tuple[list[Frame], str]:
    frames, came = Frames(), []
    try:
        for piece in pieces:
            came += frames.feed(piece)
    except UpstreamBroken as error:
        return came, error.public
    return came, "cut" if frames.partial else ""


def _elements(pieces: Sequence[bytes]) -> tuple[list[bytes], bytes, bool]:
    splitter = arrays.Splitter()
    came = [element for piece in pieces for element in splitter.whole(piece)]
    return came, splitter.rest(), splitter.ended


def _lines(pieces: Sequence[bytes]) -> tuple[bytes, bytes]:
    splitter = lines.Splitter()
    return b"".join([splitter.whole(piece) for piece in pieces]), splitter.rest()


TARGETS: dict[str, Callable[[bytes], None]] = {
    "sse": server_sent,
    "aws-events": aws,
    "json-array": array,
    "json-lines": json_lines,
}
