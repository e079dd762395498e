"""One recorded reply through another dialect, sans-IO, with the upstream's bytes split at random."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from types import ModuleType

import read_chat
import read_converse
import read_gemini
import read_messages
import read_responses
from recordings import Spoken
from said import Said

from gateway.call import Call, Message, Text
from gateway.dialect import ClientDialect, ServerDialect
from gateway.errors import GatewayError
from gateway.events import Failed
from gateway.matrix.survey import request
from gateway.testing import replay

READERS: dict[str, ModuleType] = {
    "openai-chat": read_chat,
    "open-responses": read_responses,
    "anthropic-messages": read_messages,
    "gemini": read_gemini,
    "bedrock-converse": read_converse,
}


@dataclass(frozen=True)
class Through:
    """got: what the client reads. loss: what was named as lost. refused: nothing was sent but an error."""

    got: Said | None
    loss: Sequence[str]
    refused: str = ""


def recorded(recording: Spoken) -> Said:
    """What the upstream said."""
    reader = READERS[recording.dialect]
    if not recording.stream:
        return reader.whole(json.loads(recording.body.decode("utf-8", "surrogatepass")))
    if recording.dialect == "bedrock-converse":
        return read_converse.stream(recording.body)
    return reader.stream(recording.body.decode("utf-8", "surrogatepass"))


def through(
    recording: Spoken, server: ServerDialect, own: ClientDialect, upstream: ClientDialect, stream: bool
) -> Through:
    """The recorded reply of `upstream`'s as a client of `server` gets it. own: the client half of that dialect."""
    target = replay.target("m", state_domain="recorded")
    call = Call("m", [Message("user", [Text("Hi")])], stream=stream, stream_usage=True)
    inbound = request(server, own.encode(call, target))
    read = server.decode(inbound)
    read.model = "m"
    decoder = upstream.decoder(target, recording.stream)
    events = list(replay.decoded(decoder, recording.pieces(0)))
    encoder = server.encoder(read, inbound, "sse" if stream else "json")
    failed = next((event for event in events if isinstance(event, Failed)), None)
    if failed is not None:
        return Through(None, (), failed.error.public)
    body = replay.encoded_reply(encoder, (replay.filled(event, read) for event in events))
    return Through(_read(server.name, body, stream), (*decoder.loss, *encoder.loss))


def refused(recording: Spoken, server: ServerDialect, own: ClientDialect, upstream: ClientDialect) -> GatewayError:
    """A recorded error status as a client of `server` is told it, read back by the client half of its dialect."""
    error = upstream.decode_error(recording.status, recording.headers, recording.body)
    call = Call("m", [Message("user", [Text("Hi")])])
    inbound = request(server, own.encode(call, replay.target("m")))
    return own.decode_error(error.status, {"content-type": "application/json"}, server.encode_error(error, inbound))


def differences(wanted: Said, got: Said) -> list[str]:
    """Names of what differs. Ids may be minted; where no usage was reported none is expected."""
    out = []
    for one in fields(Said):
        left, right = getattr(wanted, one.name), getattr(got, one.name)
        if one.name == "refused":
            continue  # the end says so
        if one.name == "calls":
            left, right = [_said(call) for call in left], [_said(call) for call in right]
        if one.name in ("read", "cached", "wrote", "thought") and wanted.read is None:
            continue
        if left != right:
            out.append(one.name)
    if any(key and mine and mine != key for (key, *_), (mine, *_) in zip(wanted.calls, got.calls, strict=False)):
        out.append("call ids")
    return out


def _said(call: tuple[str, str, object]) -> tuple[str, object]:
    """Free-form input has a name where a dialect takes nothing but objects."""
    _, name, arguments = call
    if isinstance(arguments, dict) and arguments.keys() == {"input"}:
        arguments = arguments["input"]
    return name, arguments


def _read(dialect: str, body: bytes, stream: bool) -> Said:
    text = body.decode("utf-8", "surrogatepass")
    reader = READERS[dialect]
    said: Said = reader.stream(text) if stream else reader.whole(json.loads(text))
    return said
