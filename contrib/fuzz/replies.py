"""Targets of client halves: an upstream's bytes, read as a reply, passed through, and read as an error.

The first byte of an input: bit 0 reads a stream, bits 1 to 3 say for which client it is encoded, the upper half in how
large pieces it comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from inputs import readable, reads, split

from gateway import sse
from gateway.call import Call, Message, Text
from gateway.dialect import ClientDialect, Edit, Framing, ServerDialect, Tap
from gateway.errors import UpstreamBroken, UpstreamError
from gateway.events import Event, Failed
from gateway.inbound import Inbound
from gateway.testing import replay
from gateway.testing.conformance.replies import disorder

STATUSES = (400, 401, 403, 404, 413, 422, 429, 500, 503, 529)
Way = tuple[ServerDialect, Framing]
"""How a reply goes to a client."""
_TARGET = replay.target("m")


def decode(client: ClientDialect, ways: Sequence[Way], data: bytes) -> None:
    """Every reply, however broken, is events in their order with one end, and then a reply to any client."""
    flags, body = split(data)
    events = list(replay.decoded(client.decoder(_TARGET, bool(flags & 1)), reads(flags, body)))
    wrong = disorder(events)
    assert wrong is None, wrong
    for event in events:
        assert not isinstance(event, Failed) or isinstance(event.error, UpstreamError), event
    _encode(*ways[(flags >> 1 & 7) % len(ways)], events)


def tap(client: ClientDialect, request: Inbound, data: bytes) -> None:
    """Bytes pass unchanged; what is told behind a reply that was lost is whole events."""
    flags, body = split(data)
    stream = bool(flags & 1)
    one = client.tap(_TARGET, stream, client.edit(request, Edit("m", usage=False), _TARGET), request)
    passed = b"".join([one.feed(piece) for piece in reads(flags, body)])
    assert body.startswith(passed), "the tap changed bytes"
    if flags & 2:
        told = one.fail(UpstreamBroken("It broke."))
        assert not told or b"It broke." in told, told
    else:
        assert passed + one.finish() == body, "the tap changed bytes"
    _plausible(one)


def refuse(clients: Sequence[ClientDialect], data: bytes) -> None:
    """An error is understood by every dialect, whatever its body; so is what should be a count of tokens."""
    flags, body = split(data)
    status = STATUSES[flags % len(STATUSES)]
    kind = "text/html" if flags >> 7 else "application/json"
    headers = {"content-type": kind, "retry-after": body[:12].decode("latin-1"), "date": body[12:40].decode("latin-1")}
    for client in clients:
        error = client.decode_error(status, headers, body)
        assert error.public, error
        assert error.upstream_status == status, error.upstream_status
        assert error.retry_after is None or 0 <= error.retry_after < float("inf"), error.retry_after
        with suppress(UpstreamBroken):
            assert client.decode_count(body) >= 0


def _encode(server: ServerDialect, framing: Framing, events: list[Event]) -> None:
    """What the dialect's clients get is UTF-8 and JSON."""
    call = Call("m", [Message("user", [Text("Hi")])], stream=framing != "json", stream_usage=True)
    encoder = server.encoder(call, replay.inbound(server, b"{}"), framing)
    body = replay.encoded_reply(encoder, (replay.filled(event, call) for event in events))
    if framing == "array" or (framing == "json" and not isinstance(events[-1], Failed)):
        readable(body)
    if framing == "sse":
        assert body.endswith((b"\n\n", b"\r\n\r\n")), body[-200:]
        for payload in map(sse.data, sse.events(body)):
            if payload and payload != b"[DONE]":
                readable(payload)


def _plausible(one: Tap) -> None:
    assert one.output_bytes >= 0, one.output_bytes
    assert one.failed is None or isinstance(one.failed, UpstreamError), one.failed
    for name in (one.response_id, one.model):
        assert name is None or isinstance(name, str), name
