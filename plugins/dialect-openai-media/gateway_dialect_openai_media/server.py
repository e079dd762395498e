"""The dialect as clients speak it to us."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NoReturn

from gateway import (
    Call,
    Encoder,
    Envelope,
    Framing,
    GatewayError,
    Inbound,
    Intake,
    Model,
    Operation,
    ServerDialect,
    Unsupported,
)

from . import asked, refusals
from .endpoints import NAME, OPERATIONS


class MediaServer(ServerDialect):
    name: ClassVar[str] = NAME
    operations: ClassVar[tuple[Operation, ...]] = OPERATIONS
    reply_headers: ClassVar[frozenset[str]] = frozenset(
        ("content-disposition", "openai-model", "openai-processing-ms", "openai-version", "x-should-retry")
    )

    def intake(self, inbound: Inbound) -> Intake | None:
        return asked.intake(inbound)

    def peek(self, inbound: Inbound) -> Envelope:
        return asked.peek(inbound)

    def decode(self, inbound: Inbound) -> Call:
        refuse(inbound.operation.path)

    def encoder(self, call: Call, inbound: Inbound, framing: Framing) -> Encoder:
        refuse(inbound.operation.path)

    def encode_error(self, error: GatewayError, inbound: Inbound) -> bytes:
        return refusals.encode(error)

    def encode_models(self, models: Sequence[Model], inbound: Inbound) -> bytes:
        raise Unsupported("Models are listed by the chat API.")


def refuse(path: str) -> NoReturn:
    raise Unsupported(f"{path} is passed through to upstreams that have it; it has no other form.", code="not_offered")
