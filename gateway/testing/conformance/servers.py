"""Checks of the server half of a dialect: what clients speak to us."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ... import errors
from ...allowance import Allowance
from ...dialect import ClientDialect, Encoder, Framing, ServerDialect
from ...errors import GatewayError
from ...events import Event
from ...inbound import Inbound, Operation
from ...provider import Model
from .. import replay
from .check import CANARY, Check, fixed
from .framings import StreamFraming, framing_of
from .replies import call, replies

PUBLIC = 'What a client may read: "quotes", Grüße.'
ERRORS: tuple[GatewayError, ...] = (
    errors.BadCall(PUBLIC, param="messages[0]"),
    errors.Unauthenticated(PUBLIC),
    errors.QuotaExceeded(PUBLIC),
    errors.Forbidden(PUBLIC),
    errors.UnknownModel(PUBLIC),
    errors.NotFound(PUBLIC),
    errors.WrongMethod(PUBLIC, ("POST",)),
    errors.Conflict(PUBLIC),
    errors.TooLarge(PUBLIC),
    errors.Unsupported(PUBLIC),
    errors.RateLimited(PUBLIC, retry_after=3.0),
    errors.Unavailable(PUBLIC),
    errors.InternalFault(PUBLIC),
    errors.UpstreamRefused(PUBLIC, 429, body=CANARY.encode(), retry_after=3.0),
    errors.UpstreamUnreachable(PUBLIC),
    errors.UpstreamTimeout(PUBLIC),
    errors.UpstreamBroken(PUBLIC),
)
HOSTILE = (
    b"",
    b"null",
    b"[]",
    b'"text"',
    b"{",
    b"{}",
    b'{"model": 7}',
    b'{"model": null}',
    b'{"model": "m", "stream": "yes"}',
    b'{"model": "\\ud800"}',
    b'{"model": "\xff"}',
    b'{"model": "m", "messages": 1, "input": 1, "contents": 1}',
    b'{"model": "m", "messages": [1], "input": [1], "contents": [1]}',
    b'{"model": "m", "messages": [{"role": 1}], "input": [{"type": 1}], "contents": [{"parts": 1}]}',
    b'{"model": "m", "temperature": NaN}',
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
    b'{"model": "m", "messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
)


def checks(server: ServerDialect, client: ClientDialect | None) -> list[Check]:
    """client: the same dialect's other half; the encoder's checks need it for a request."""
    found = [
        it_says_what_it_serves,
        errors_are_json_that_says_what_the_client_may_know,
        what_limits_leave_is_told_in_headers,
        the_list_of_models_names_them_all,
        a_bad_body_is_refused_and_never_a_defect,
    ]
    with_request = [a_good_request_is_understood, a_stream_is_whole_events, an_unstreamed_reply_is_one_json_text]
    subject = f"{server.name} (server)"
    pairs = [Check(subject, partial(check, server, client)) for check in with_request] if client else []
    return [Check(subject, partial(check, server)) for check in found] + pairs


def it_says_what_it_serves(server: ServerDialect) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]*", server.name), f"name {server.name!r}"
    assert server.operations, "it serves nothing"
    for operation in server.operations:
        assert isinstance(operation, Operation), operation
        assert operation.path.startswith("/"), operation
        assert operation.method in ("GET", "POST", "DELETE", "PUT", "PATCH"), operation
        assert operation.mounts, operation
        if operation.kind == "models" and "{" in operation.path:
            assert "{id}" in operation.path, f"{operation.path}: a model is named by `{{id}}`"
    assert all(header == header.lower() for header in server.reply_headers), server.reply_headers
    assert isinstance(server.reply_headers, frozenset)


def errors_are_json_that_says_what_the_client_may_know(server: ServerDialect) -> None:
    for request in (_request(server, operation) for operation in server.operations):
        for error in ERRORS:
            error.__cause__ = RuntimeError(CANARY)
            body = server.encode_error(error, request)
            assert PUBLIC in _strings(msgspec.json.decode(body)), f"{type(error).__name__}: {body!r}"
            assert CANARY.encode() not in body, f"{type(error).__name__} tells its cause"


def what_limits_leave_is_told_in_headers(server: ServerDialect) -> None:
    left = [Allowance("requests", 10, 9, 1.5, 1_700_000_000.0), Allowance("tokens", 1000, 0, 60.0, 1_700_000_000.0)]
    headers = server.allowance_headers(left)
    assert not server.allowance_headers([]), "there are no limits"
    for name, value in headers.items():
        assert name == name.lower(), name
        assert value.isascii(), f"{name}: {value!r}"
        assert value.isprintable(), f"{name}: {value!r}"


def the_list_of_models_names_them_all(server: ServerDialect) -> None:
    models = [Model("a/b-1", "B", owner="a"), Model("agent_x", "Grüße", "An agent", created=1, agent=True)]
    for operation in server.operations:
        if operation.kind != "models":
            continue
        one = "{" in operation.path or operation.method == "POST"
        shown = models[:1] if one else models
        body = server.encode_models(shown, _request(server, operation))
        for model in shown:
            assert any(model.id in text for text in _strings(msgspec.json.decode(body))), f"{model.id} not in {body!r}"
        if not one:
            msgspec.json.decode(server.encode_models([], _request(server, operation)))


def a_bad_body_is_refused_and_never_a_defect(server: ServerDialect) -> None:
    json = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_member, inner, max_size=4),
        max_leaves=12,
    ).map(msgspec.json.encode)

    @fixed
    @given(st.binary(max_size=40) | json)
    def drawn(body: bytes) -> None:
        _may_refuse(server, body)

    for body in HOSTILE:
        _may_refuse(server, body)
    drawn()


def a_good_request_is_understood(server: ServerDialect, client: ClientDialect) -> None:
    for stream in (False, True):
        request = request_by(server, client, stream)
        envelope, asked = server.peek(request), server.decode(request)
        assert envelope.stream is stream, "peek does not see whether it is streamed"
        assert asked.stream is stream, "decode does not see whether it is streamed"
        assert envelope.model == asked.model == "m"
        texts = [getattr(block, "text", "") for message in asked.messages for block in message.blocks]
        assert texts == ["Hi there"], texts
        assert [tool.name for tool in asked.tools] == ["weather"]
        assert asked.dialect == server.name, "decode does not say whose names `extra` has"


def a_stream_is_whole_events(server: ServerDialect, client: ClientDialect) -> None:
    request = request_by(server, client, True)
    name = server.peek(request).framing
    framing = framing_of(name)

    @fixed
    @given(replies())
    def drawn(events: list[Event]) -> None:
        encoder = _encoder(server, request, name)
        assert encoder.content_type.startswith(framing.media_type), f"{encoder.content_type} for framing `{name}`"
        sent = []
        for event in events:
            sent += [encoder.encode(replay.filled(event, server.decode(request))), encoder.idle()]
        _whole(framing, *sent, encoder.finish())

    @fixed
    @given(replies(), st.integers(0, 30))
    def failing(events: list[Event], at: int) -> None:
        encoder = _encoder(server, request, name)
        for event in events[:at]:
            encoder.encode(replay.filled(event, server.decode(request)))
        error = errors.UpstreamBroken(PUBLIC)
        error.__cause__ = RuntimeError(CANARY)
        last = encoder.fail(error)
        _whole(framing, last)
        told = [_strings(_json(framing.text(piece))) for piece in framing.cut(last)]
        assert any(PUBLIC in strings for strings in told), f"not told: {last!r}"
        assert CANARY.encode() not in last

    drawn()
    failing()


def an_unstreamed_reply_is_one_json_text(server: ServerDialect, client: ClientDialect) -> None:
    request = request_by(server, client, False)

    @fixed
    @given(replies())
    def drawn(events: list[Event]) -> None:
        encoder = _encoder(server, request, "json")
        assert encoder.content_type.startswith("application/json")
        for event in events:
            early = encoder.encode(replay.filled(event, server.decode(request)))
            assert early == b"", "json framing gives nothing before finish"
        msgspec.json.decode(encoder.finish())

    drawn()


def request_by(server: ServerDialect, client: ClientDialect, stream: bool) -> Inbound:
    """A request to this dialect, written by its own client half."""
    encoded = client.encode(call(stream), replay.target("m"))
    query = "&".join(f"{key}={value}" for key, value in encoded.query.items())
    mounts = {mount.prefix: mount for operation in server.operations for mount in operation.mounts}
    for prefix in mounts:
        try:
            return replay.inbound(server, encoded.body, f"{prefix}{encoded.path}?{query}", headers=encoded.headers)
        except LookupError:
            continue
    raise AssertionError(f"{server.name} does not serve {encoded.path}, which its client half calls")


_member = st.sampled_from(
    ["model", "messages", "input", "contents", "tools", "content", "role", "type", "stream", "text", "parts", "stop"]
)


def _request(server: ServerDialect, operation: Operation, body: bytes = b"{}") -> Inbound:
    path = re.sub(r"\{\w+\}(?=.*/)", "b-1", operation.path)
    path = operation.mounts[0].prefix + re.sub(r"\{\w+\}", "a/b-1", path)
    return replay.inbound(server, body, path, operation.method)


def _may_refuse(server: ServerDialect, body: bytes) -> None:
    for operation in server.operations:
        request = _request(server, operation, body)
        for read in _readers(server, operation):
            error = _refusal(read, request)
            if error is not None:
                assert 400 <= error.status < 500, f"{body[:200]!r}: status {error.status}"
                msgspec.json.decode(server.encode_error(error, request))


def _readers(server: ServerDialect, operation: Operation) -> tuple[Callable[[Inbound], object], ...]:
    """What the pipeline reads a body with."""
    if operation.kind == "generate":
        return server.peek, server.decode
    return (server.peek,) if operation.kind == "models" and operation.method == "POST" else ()


def _refusal(read: Callable[[Inbound], object], request: Inbound) -> GatewayError | None:
    try:
        read(request)
    except GatewayError as error:
        return error
    return None


def _encoder(server: ServerDialect, request: Inbound, framing: Framing) -> Encoder:
    encoder = server.encoder(server.decode(request), request, framing)
    assert isinstance(encoder.loss, list)
    return encoder


def _whole(framing: StreamFraming, *sent: bytes) -> None:
    """Each is whole pieces or nothing, and all have the same line ends, LF or CRLF."""
    for data in sent:
        assert not data or framing.ended(data), f"not whole events: {data!r}"
    every = b"".join(sent)
    ends = every.count(b"\n")
    assert every.count(b"\r") == every.count(b"\r\n") in (0, ends), f"line ends of several kinds: {every!r}"


def _json(text: bytes) -> object:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in parts for text in _strings(part)]
