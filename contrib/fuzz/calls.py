"""Targets of server halves: a client's bytes, read as a call, and written again to every upstream.

The first byte of an input says which of the dialect's operations is called, at which of its mounts' first one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from inputs import readable, split

from gateway.call import Call
from gateway.dialect import ClientDialect, Edit, Encoded, Framing, ServerDialect
from gateway.errors import GatewayError, Refused
from gateway.inbound import Inbound, Operation
from gateway.testing import replay
from gateway.testing.conformance.replies import tool_reply

_TARGET = replay.target("m", state_domain="there")
_EDIT = Edit("m", instructions="Be brief.")
_BOUNDARY = "b"
"""Of forms."""


def decode(server: ServerDialect, clients: Sequence[ClientDialect], data: bytes) -> None:
    """A body is refused with words for the client, or it is a call that every upstream can be asked."""
    flags, body = split(data)
    asking = [one for one in server.operations if one.method == "POST"]
    request = _request(server, asking[flags % len(asking)], body)
    try:
        envelope = server.peek(request)
        call = server.decode(request)
    except GatewayError as error:
        _refused(server, request, error)
        return
    assert call.model == (envelope.model or call.model), (call.model, envelope.model)
    for client in clients:
        _write(server, client, request, call)
    _answer(server, request, call)


def pass_through(server: ServerDialect, client: ClientDialect, data: bytes) -> None:
    """For a dialect whose calls only pass."""
    flags, body = split(data)
    request = _request(server, server.operations[flags % len(server.operations)], body)
    try:
        envelope = server.peek(request)
        encoded = client.edit(request, Edit("m"), _TARGET)
        client.tap(_TARGET, envelope.stream, encoded, request)
    except GatewayError as error:
        _refused(server, request, error)


def _request(server: ServerDialect, operation: Operation, body: bytes) -> Inbound:
    path = operation.mounts[0].prefix + re.sub(r"\{\w+\}", "m", operation.path)
    form = body.startswith(b"--" + _BOUNDARY.encode())
    kind = f"multipart/form-data; boundary={_BOUNDARY}" if form else "application/json"
    headers: Mapping[str, str] = {"content-type": kind}
    return replay.inbound(server, body, path, operation.method, headers)


def _refused(server: ServerDialect, request: Inbound, error: GatewayError) -> None:
    assert isinstance(error, Refused), error
    assert 400 <= error.status < 500, error.status
    readable(server.encode_error(error, request))


def _write(server: ServerDialect, client: ClientDialect, request: Inbound, call: Call) -> None:
    try:
        encoded: list[Encoded] = [client.encode(call, _TARGET)]
        if client.name == server.name:
            encoded.append(client.edit(request, _EDIT, _TARGET))
    except Refused as error:
        _refused(server, request, error)
        return
    for one in encoded:
        if _is_text(request.body):
            assert isinstance(readable(one.body), dict | None), one.body
        assert all(isinstance(path, str) for path in one.loss), one.loss


def _answer(server: ServerDialect, request: Inbound, call: Call) -> None:
    """Replies tell much of the call again."""
    framings: tuple[Framing, ...] = ("sse", "json")
    for framing in framings:
        encoder = server.encoder(call, request, framing)
        body = replay.encoded_reply(encoder, (replay.filled(event, call) for event in tool_reply()))
        if framing == "json":
            readable(body)


def _is_text(body: bytes) -> bool:
    """The pipeline lets nothing else through to dialects."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
