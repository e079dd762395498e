"""What the pipeline does with dialects, without a pipeline: one request, one reply, sans-IO.

It takes the steps of `gateway.pipeline.translate` and `relay`. `inbound` makes a request for a server dialect; `ask`
turns it into what the upstream gets; `answer` turns the upstream's bytes into what the client gets. Same name of both
dialects is passthrough, otherwise translation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from urllib.parse import unquote

import msgspec

from ..call import Call
from ..dialect import ClientDialect, Decoder, Edit, Encoded, Encoder, Framing, ServerDialect
from ..errors import GatewayError, UpstreamBroken
from ..events import Event, Failed, Finished, Started
from ..inbound import Inbound, Mount, Operation
from ..pipeline.translate import amend, edited
from ..provider import Provider, Target
from ..router import expression
from ..usage import Usage
from ..wire import lines

CREATED = 1_700_000_000
REPLY_ID = "reply_0123456789abcdef01234567"
"""What `Started` and `Finished` get where the upstream said nothing; the pipeline takes a fresh id and the clock."""
STREAMED = frozenset({"text/event-stream", lines.CONTENT_TYPE})
"""Media types of streams that this kit knows."""


class Nowhere(Provider):
    """A provider that only gives targets their names."""

    endpoint = "golden"


class Answered(msgspec.Struct):
    """What the client gets. events: the reply in canonical form, empty for passthrough."""

    status: int
    content_type: str
    body: bytes
    events: list[Event] = []
    usage: Usage | None = None
    loss: tuple[str, ...] = ()


class UpstreamAnswer(msgspec.Struct, frozen=True):
    """What the upstream answers. lost: the connection breaks after these bytes."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = {}
    lost: bool = False

    @property
    def media_type(self) -> str:
        return self.content_type.partition(";")[0].strip()

    @property
    def stream(self) -> bool:
        return self.media_type in STREAMED


def target(model: str, *, state_domain: str = "golden") -> Target:
    return Target(provider=Nowhere(), endpoint="golden", model=model, state_domain=state_domain)


def inbound(
    server: ServerDialect, body: bytes, path: str = "", method: str = "POST", headers: Mapping[str, str] | None = None
) -> Inbound:
    """A request to the dialect's operation at `path` (with its mount); the first that generates where it is empty.

    Raises LookupError where the dialect serves nothing there.
    """
    operation, mount, params = _find(server, method, path.partition("?")[0])

    async def receive() -> bytes:
        return body

    query = dict(pair.partition("=")[::2] for pair in path.partition("?")[2].split("&") if pair)
    return Inbound(operation, mount, params, query, dict(headers or {}), "127.0.0.1", receive, body)


def ask(
    server: ServerDialect, client: ClientDialect, request: Inbound, edit: Edit, to: Target
) -> tuple[Encoded, Call | None]:
    """What the upstream gets, and the Call where it is translated. Raises GatewayError where it is refused."""
    envelope = server.peek(request)
    if server.name == client.name:
        return client.edit(request, edit, to), None
    call = edited(server.decode(request), edit)
    call.model = envelope.model or to.model
    return amend(client.encode(call, to), edit, to), call


def answer(
    server: ServerDialect,
    client: ClientDialect,
    request: Inbound,
    asked: tuple[Encoded, Call | None],
    to: Target,
    reply: UpstreamAnswer,
    size: int = 0,
) -> Answered:
    """What the client gets. asked: by `ask`. size: bytes of one read; 0 is all at once."""
    if reply.status >= 400:
        return _refused(server, client, request, reply)
    chunks = pieces(reply.body, size)
    encoded, call = asked
    if call is None:
        return _passed(server, client, request, encoded, to, reply, chunks)
    return _translated(server, client, request, encoded, call, to, reply, chunks)


def refusal(server: ServerDialect, request: Inbound, error: GatewayError) -> Answered:
    return Answered(error.status, "application/json", server.encode_error(error, request))


def pieces(data: bytes, size: int) -> list[bytes]:
    """The bytes as reads of `size` bytes; 0 is one read."""
    if not size:
        return [data] if data else []
    return [data[at : at + size] for at in range(0, len(data), size)]


def decoded(decoder: Decoder, chunks: Iterable[bytes], lost: bool = False) -> Iterator[Event]:
    """All events of a reply, `Failed` last where it was cut."""
    for chunk in chunks:
        yield from decoder.feed(chunk)
    if lost:
        yield Failed(UpstreamBroken("The connection to the upstream was lost."))
    else:
        yield from decoder.finish()


def encoded_reply(encoder: Encoder, events: Iterable[Event]) -> bytes:
    """All bytes of a reply; `Failed` ends it in-band."""
    out = bytearray()
    for event in events:
        if isinstance(event, Failed):
            return bytes(out + encoder.fail(event.error))
        out += encoder.encode(event)
    return bytes(out + encoder.finish())


def filled(event: Event, call: Call) -> Event:
    """The event with what the pipeline fills in where the upstream did not say."""
    if isinstance(event, Started):
        return msgspec.structs.replace(
            event, id=event.id or REPLY_ID, model=event.model or call.model, created=event.created or CREATED
        )
    if isinstance(event, Finished) and event.at is None:
        return msgspec.structs.replace(event, at=CREATED)
    return event


def _find(server: ServerDialect, method: str, path: str) -> tuple[Operation, Mount, dict[str, str]]:
    for operation in server.operations:
        if not path and operation.kind == "generate":
            return operation, operation.mounts[-1], {}
        for mount in operation.mounts:
            params = _params(mount.prefix + operation.path, path)
            if operation.method == method and params is not None:
                return operation, mount, params
    raise LookupError(f"{server.name} serves no {method} {path}")


def _params(pattern: str, path: str) -> dict[str, str] | None:
    found = re.fullmatch(expression(pattern), path)
    return None if found is None else {name: unquote(value) for name, value in found.groupdict().items()}


def _refused(server: ServerDialect, client: ClientDialect, request: Inbound, reply: UpstreamAnswer) -> Answered:
    headers = {"content-type": reply.content_type, **reply.headers}
    error = client.decode_error(reply.status, headers, reply.body)
    if server.name == client.name and error.body:
        return Answered(error.status, error.content_type or reply.content_type, error.body)
    return refusal(server, request, error)


def _passed(
    server: ServerDialect,
    client: ClientDialect,
    request: Inbound,
    encoded: Encoded,
    to: Target,
    reply: UpstreamAnswer,
    chunks: Iterable[bytes],
) -> Answered:
    stream = client.streams(reply.media_type, encoded)
    tap = client.tap(to, stream, encoded, passing := copy(request))
    passing.body = b""  # as in the pipeline, once a stream has begun
    body = b"".join([tap.feed(chunk) for chunk in chunks])
    error = UpstreamBroken("The connection to the upstream was lost.")
    if not reply.lost:
        body += tap.finish()
    cut = reply.lost or not (tap.complete or tap.failed)
    if cut and not stream:
        return refusal(server, request, error)
    if cut:
        body += tap.fail(error)
    return Answered(reply.status, reply.content_type, body, usage=tap.usage)


def _translated(
    server: ServerDialect,
    client: ClientDialect,
    request: Inbound,
    encoded: Encoded,
    call: Call,
    to: Target,
    reply: UpstreamAnswer,
    chunks: Iterable[bytes],
) -> Answered:
    framing: Framing = server.peek(request).framing if call.stream else "json"
    encoder = server.encoder(call, passing := copy(request), framing)
    passing.body = b""
    streams = client.streams(reply.media_type, encoded)
    events = list(decoded(client.decoder(to, streams), chunks, reply.lost))
    usage = next((event for event in reversed(events) if isinstance(event, Usage)), None)
    failed = next((event for event in events if isinstance(event, Failed)), None)
    if failed and framing == "json":
        refused = refusal(server, request, failed.error)
        return msgspec.structs.replace(refused, events=events, usage=usage)
    body = encoded_reply(encoder, (filled(event, call) for event in events))
    return Answered(reply.status, encoder.content_type, body, events, usage, tuple(encoder.loss))
