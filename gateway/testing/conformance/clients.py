"""Checks of the client half of a dialect: what we speak to upstreams."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from ... import errors
from ...dialect import ClientDialect, Edit, ServerDialect, Tap
from ...errors import UpstreamRefused
from ...events import Event, Failed, Finished
from .. import replay
from ..replay import UpstreamAnswer
from .check import CANARY, Check, fixed
from .framings import framing_like
from .replies import COUNTS, TEXT, disorder, text_of, tool_calls_of, usage_of, wire
from .servers import ERRORS, PUBLIC, request_by

TARGET = replay.target("m")
MEMBERS = msgspec.json.Decoder(dict[str, Raw])
SPLITS = 60

QUOTES_OUR_KEY = b'{"error": {"message": "Wrong key %b", "code": "%b"}}' % (CANARY.encode(), CANARY.encode())
ERROR_BODIES = (
    b"",
    b"<html>Bad gateway</html>",
    b"{}",
    b"[]",
    b"null",
    b"\xff\xfe",
    b'{"error": "text"}',
    b'{"error": 1}',
    b'{"error": {"message": 1, "code": []}}',
    QUOTES_OUR_KEY,
)


def checks(client: ClientDialect, server: ServerDialect | None) -> list[Check]:
    """server: the same dialect's other half, which plays the upstream."""
    subject = f"{client.name} (client)"
    alone = [Check(subject, partial(check, client)) for check in (it_has_a_name, any_error_reply_is_understood)]
    if server is None:
        return alone
    both = [
        an_edit_keeps_what_it_does_not_change,
        any_split_gives_the_same_events,
        any_split_gives_the_same_bytes_and_what_the_tap_saw,
        a_reply_reads_back_as_it_was_written,
        usage_counts_are_disjoint,
        a_cut_reply_ends_with_failed,
        a_cut_reply_is_not_complete_to_the_tap,
        garbage_is_a_failed_reply_and_never_a_defect,
        error_envelopes_keep_their_text,
    ]
    return alone + [Check(subject, partial(check, client, server)) for check in both]


def it_has_a_name(client: ClientDialect) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]*", client.name), f"name {client.name!r}"


def any_error_reply_is_understood(client: ClientDialect) -> None:
    for status in (400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 529):
        for body in ERROR_BODIES:
            headers = {"content-type": "application/json", "retry-after": "7"}
            error = client.decode_error(status, headers, body)
            assert isinstance(error, UpstreamRefused), error
            assert (error.upstream_status, bool(error.public)) == (status, True)
            if status in (401, 403):
                told = [error.public, str(error.code), str(error.param), error.body.decode("latin-1")]
                assert not any(CANARY in text for text in told), "an upstream's word on our credentials is passed on"
    assert client.decode_error(429, {"retry-after": "7"}, b"").retry_after == 7


def an_edit_keeps_what_it_does_not_change(client: ClientDialect, server: ServerDialect) -> None:
    request = request_by(server, client, False)
    asked = request.body[:-1] + b',"x_new":1.50,"x_two":1,"x_text":"\\u00fc \\/","x_two":{ "a" : 1e3 },"x_drop":2}'
    request = msgspec.structs.replace(request, body=asked)
    edit = Edit("other-model", set={"x_set": Raw(b"[1.0]")}, drop=frozenset({"x_drop"}))
    encoded = client.edit(request, edit, replay.target("other-model"))
    before, after = MEMBERS.decode(asked), MEMBERS.decode(encoded.body)
    assert encoded.body.count(b'"x_two"') == 1, "duplicate members are passed on"
    assert after.pop("x_set", None) == Raw(b"[1.0]"), "`set` is not there"
    assert "x_drop" not in after, "`drop` is still there"
    for name in ("x_new", "x_two", "x_text"):
        assert bytes(after[name]) == bytes(before[name]), f"{name} lost its bytes"
    kept = [name for name in before if name in after]
    assert [name for name in after if name in before] == kept, "members changed their order"
    if "model" in before:
        assert msgspec.json.decode(after["model"]) == "other-model"
    else:
        assert "other-model" in encoded.path


def any_split_gives_the_same_events(client: ClientDialect, server: ServerDialect) -> None:
    for reply in _variants(_replies(client, server)):
        _same_events(client, reply)


def any_split_gives_the_same_bytes_and_what_the_tap_saw(client: ClientDialect, server: ServerDialect) -> None:
    for reply in _variants(_replies(client, server)):
        _same_bytes(client, server, reply)


def a_reply_reads_back_as_it_was_written(client: ClientDialect, server: ServerDialect) -> None:
    for stream in (False, True):
        text, tools = (_events(client, reply, [reply.body]) for reply in _replies(client, server, (stream,)))
        assert text_of(text) == "".join(TEXT)
        assert text_of(tools) == "I look."
        calls = [("call_1", "weather", '{"city": "Zürich"}'), ("call_2", "weather", "{}")]
        assert tool_calls_of(tools) == calls
        assert [event.reason for event in tools if isinstance(event, Finished)] == ["tool_calls"]


def usage_counts_are_disjoint(client: ClientDialect, server: ServerDialect) -> None:
    for reply in _replies(client, server):
        read = usage_of(_events(client, reply, [reply.body]))
        _, tap = _tapped(client, server, reply, [reply.body])
        for usage in (read, tap.usage):
            assert usage is not None, "no usage"
            assert (usage.prompt, usage.output) == (COUNTS.prompt, COUNTS.output), usage
            if usage.cache_read:
                assert usage.input == usage.prompt - usage.cache_read, "cached tokens are counted twice"
        assert read == tap.usage, "decoder and tap differ"


def a_cut_reply_ends_with_failed(client: ClientDialect, server: ServerDialect) -> None:
    """Cut before its end was said; a reply whose end is only framed by the connection may be cut after that."""
    for reply in _replies(client, server):
        for end in _prefixes(reply.body):
            events = _events(client, reply, [reply.body[:end]])
            done = any(isinstance(event, Finished) for event in events)
            assert done or isinstance(events[-1], Failed), f"a clean end after {reply.body[:end][-80:]!r}"
            assert disorder(events) is None, disorder(events)
        assert isinstance(_events(client, reply, [])[-1], Failed), "an empty reply is a clean end"


def a_cut_reply_is_not_complete_to_the_tap(client: ClientDialect, server: ServerDialect) -> None:
    for reply in _replies(client, server):
        for end in _prefixes(reply.body):
            events = _events(client, reply, [reply.body[:end]])
            body, tap = _tapped(client, server, reply, [reply.body[:end]])
            assert body == reply.body[:end], "the tap lost bytes"
            if not any(isinstance(event, Finished) for event in events):
                assert not tap.complete, f"complete after {reply.body[:end][-80:]!r}"
        if reply.stream:
            _fails_in_band(client, server, reply)


def garbage_is_a_failed_reply_and_never_a_defect(client: ClientDialect, server: ServerDialect) -> None:
    whole, *_ = _replies(client, server, (True,))
    framing = framing_like(whole.media_type)
    assert framing is not None, f"a stream of {whole.media_type}"

    @fixed
    @given(st.lists(st.sampled_from([*framing.cut(whole.body), *framing.junk]), max_size=8))
    def drawn(mixed: list[bytes]) -> None:
        body = b"".join(mixed)
        for stream in (True, False):
            reply = msgspec.structs.replace(whole, body=body)
            events = list(replay.decoded(client.decoder(TARGET, stream), [body]))
            assert disorder(events) is None or not stream, disorder(events)
            passed, _ = _tapped(client, server, reply, [body])
            assert passed == body

    drawn()


def error_envelopes_keep_their_text(client: ClientDialect, server: ServerDialect) -> None:
    request = request_by(server, client, False)
    for error in ERRORS:
        body = server.encode_error(error, request)
        read = client.decode_error(error.status, {"content-type": "application/json"}, body)
        if error.status not in (401, 403):
            assert PUBLIC in read.public, f"{body!r} is read as {read.public!r}"
            assert (read.status, read.body) == (error.status, body)


def _same_events(client: ClientDialect, reply: UpstreamAnswer) -> None:
    whole = _events(client, reply, [reply.body])
    assert disorder(whole) is None, disorder(whole)
    assert _shown(_events(client, reply, replay.pieces(reply.body, 1))) == _shown(whole)
    for chunks in _splits(reply.body):
        assert _shown(_events(client, reply, chunks)) == _shown(whole), chunks


def _same_bytes(client: ClientDialect, server: ServerDialect, reply: UpstreamAnswer) -> None:
    whole, saw = _tapped(client, server, reply, [reply.body])
    assert whole == reply.body, "the tap changed the bytes of a reply with nothing to hide"
    assert saw.complete, "the tap missed the end"
    assert saw.failed is None, saw.failed
    for chunks in _splits(reply.body):
        body, tap = _tapped(client, server, reply, chunks)
        assert body == whole, chunks
        assert _seen(tap) == _seen(saw), chunks


def _fails_in_band(client: ClientDialect, server: ServerDialect, reply: UpstreamAnswer) -> None:
    framing = framing_like(reply.media_type)
    assert framing is not None, f"a stream of {reply.media_type}"
    half = framing.cut(reply.body)[:2]
    tap = _tap(client, server, reply)
    sent = tap.feed(b"".join(half) + framing.half)
    last = tap.fail(errors.UpstreamBroken(PUBLIC))
    assert sent == b"".join(half), "the tap gave a piece of an event"
    assert framing.ended(last), f"not whole events: {last!r}"
    assert msgspec.json.encode(PUBLIC)[1:-1] in last, f"not told: {last!r}"


def _replies(
    client: ClientDialect, server: ServerDialect, streams: tuple[bool, ...] = (True, False)
) -> list[UpstreamAnswer]:
    return [reply for stream in streams for reply in wire(server, request_by(server, client, stream), stream)]


def _variants(replies: Iterable[UpstreamAnswer]) -> Iterator[UpstreamAnswer]:
    """The same replies as upstreams write them too."""
    for reply in replies:
        yield reply
        framing = framing_like(reply.media_type)
        for body in framing.variants(reply.body) if framing is not None else ():
            yield msgspec.structs.replace(reply, body=body)


def _events(client: ClientDialect, reply: UpstreamAnswer, chunks: list[bytes]) -> list[Event]:
    return list(replay.decoded(client.decoder(TARGET, reply.stream), chunks))


def _tap(client: ClientDialect, server: ServerDialect, reply: UpstreamAnswer) -> Tap:
    """Made like in the pipeline, where the request's body is gone once a stream has begun."""
    request = request_by(server, client, reply.stream)
    tap = client.tap(TARGET, reply.stream, client.edit(request, Edit("m"), TARGET), request)
    request.body = b""
    return tap


def _tapped(
    client: ClientDialect, server: ServerDialect, reply: UpstreamAnswer, chunks: list[bytes]
) -> tuple[bytes, Tap]:
    tap = _tap(client, server, reply)
    body = b"".join([tap.feed(chunk) for chunk in chunks])
    return body + tap.finish(), tap


def _seen(tap: Tap) -> tuple[object, ...]:
    return tap.usage, tap.response_id, tap.model, tap.complete, tap.output_bytes


def _shown(events: list[Event]) -> list[object]:
    return [event.error.public if isinstance(event, Failed) else event for event in events]


def _splits(body: bytes) -> Iterator[list[bytes]]:
    """At up to twelve random places, the same ones every time; at the ends, too, so that some reads are empty."""
    dice = random.Random(len(body))
    drawn = ([dice.randint(0, len(body)) for _ in range(dice.randint(0, 12))] for _ in range(SPLITS))
    for places in ([0, 0, len(body), len(body)], *drawn):
        at = [0, *sorted(places), len(body)]
        yield [body[start:end] for start, end in pairwise(at)]


def _prefixes(body: bytes) -> list[int]:
    """Ends of all lines, and places in between."""
    ends = [match.end() for match in re.finditer(rb"\n+", body)]
    return sorted({*ends, *range(1, len(body), max(1, len(body) // 40))} - {len(body)})
