"""The dialect as clients speak it to us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import msgspec

from gateway import (
    Allowance,
    Call,
    Credential,
    Encoder,
    Envelope,
    Framing,
    GatewayError,
    Inbound,
    Model,
    Operation,
    Secret,
    ServerDialect,
    bearer_or_header,
)
from gateway.wire import jsontext

from . import allowance, outline, read_call, refusals
from . import models as listing
from .names import NAME
from .streams import StreamEncoder
from .versions import VERSION, knows_connectors
from .wholes import WholeEncoder
from .write_call import COUNT_PATH, PATH

_MODEL = "/models/{id}"


class TokenCount(msgspec.Struct):
    input_tokens: int


class MessagesServer(ServerDialect):
    """Both versions of the API are served alike: parameters that the newer one refuses are taken."""

    name: ClassVar[str] = NAME
    operations: ClassVar[tuple[Operation, ...]] = (
        Operation("generate", "POST", PATH, summary="Answer a conversation"),
        Operation("count", "POST", COUNT_PATH, summary="Count the input tokens of a conversation"),
        Operation("models", "GET", "/models", summary="List the models and agents that the caller may name"),
        Operation("models", "GET", _MODEL, summary="Describe one of them"),
    )
    reply_headers: ClassVar[frozenset[str]] = frozenset(("request-id",))
    bare_base: ClassVar[bool] = True

    def claims(self, inbound: Inbound) -> bool:
        """Lists of models stand on the same path in other dialects, whose clients name no version."""
        return inbound.operation.kind != "models" or VERSION in inbound.headers

    def credential(self, inbound: Inbound) -> Credential | None:
        """Where both are there, the vendor takes the key of its own header."""
        key = inbound.headers.get("x-api-key", "").strip()
        return Credential("header", Secret(key)) if key else bearer_or_header(inbound, "x-api-key")

    def peek(self, inbound: Inbound) -> Envelope:
        return outline.peek(inbound.body)

    def decode(self, inbound: Inbound) -> Call:
        outline.peek(inbound.body)
        return read_call.read(inbound.body, inbound.headers)

    def encoder(self, call: Call, inbound: Inbound, framing: Framing) -> Encoder:
        if framing != "sse":
            return WholeEncoder(call)
        return StreamEncoder(call, knows_connectors(inbound))

    def encode_error(self, error: GatewayError, inbound: Inbound) -> bytes:
        return refusals.encode(error)

    def encode_models(self, models: Sequence[Model], inbound: Inbound) -> bytes:
        if inbound.operation.path == _MODEL and models:
            return listing.one(models[0])
        return listing.page(models, inbound)

    def allowance_headers(self, allowances: Sequence[Allowance]) -> Mapping[str, str]:
        return allowance.headers(allowances)

    def encode_count(self, tokens: int, inbound: Inbound) -> bytes:
        return jsontext.encode(TokenCount(tokens))
