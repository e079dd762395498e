"""The dialect as clients speak it to us."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec

from gateway import Call, Encoder, Envelope, Framing, GatewayError, Inbound, Model, Operation, ServerDialect
from gateway.wire import jsontext

from . import approvals, calls, outline, ran, refusals
from .encoders import is_legacy
from .proofs import NAME
from .streams import StreamEncoder
from .wholes import WholeEncoder

OWNER = "librechat"
_MODEL = "/models/{id}"


class ModelEntry(msgspec.Struct):
    """A model as LibreChat lists it; SDKs read the first four members."""

    id: str
    created: int
    owned_by: str
    root: str
    name: str
    description: str
    object: str = "model"
    permission: list[str] = []
    parent: str | None = None


class ModelList(msgspec.Struct):
    data: list[ModelEntry]
    object: str = "list"


class ChatServer(ServerDialect):
    name: ClassVar[str] = NAME
    operations: ClassVar[tuple[Operation, ...]] = (
        Operation("generate", "POST", "/chat/completions", summary="Answer a conversation"),
        Operation("models", "GET", "/models", summary="List the models and agents that the caller may name"),
        Operation("models", "GET", _MODEL, summary="Describe one of them"),
    )
    reply_headers: ClassVar[frozenset[str]] = frozenset(
        ("openai-processing-ms", "openai-version", "openai-model", "x-should-retry")
    )

    def peek(self, inbound: Inbound) -> Envelope:
        return outline.peek(inbound.body)

    def decode(self, inbound: Inbound) -> Call:
        outline.peek(inbound.body)
        return calls.decode(inbound.body, approvals.wanted(inbound))

    def encoder(self, call: Call, inbound: Inbound, framing: Framing) -> Encoder:
        legacy, shows = is_legacy(call, inbound), ran.wanted(inbound)
        return StreamEncoder(call, legacy, shows) if framing == "sse" else WholeEncoder(call, legacy, shows)

    def encode_error(self, error: GatewayError, inbound: Inbound) -> bytes:
        return refusals.encode(error)

    def encode_models(self, models: Sequence[Model], inbound: Inbound) -> bytes:
        entries = [_entry(model) for model in models]
        if inbound.operation.path == _MODEL and entries:
            return jsontext.encode(entries[0])
        return jsontext.encode(ModelList(entries))


def _entry(model: Model) -> ModelEntry:
    return ModelEntry(
        model.id, model.created, model.owner or OWNER, model.id, model.name or model.id, model.description
    )
