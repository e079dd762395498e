"""The dialect as clients speak it to us: at the root, where they look for it, and below the agents' mount."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from gateway import (
    AGENTS_MOUNT,
    Call,
    Encoder,
    Envelope,
    Framing,
    GatewayError,
    Inbound,
    Model,
    Mount,
    Operation,
    ServerDialect,
)

from . import calls, models, outline, refusals
from .encoders import StreamEncoder, WholeEncoder
from .names import CHAT, GENERATE, NAME, SHOW, TAGS

MOUNTS = (AGENTS_MOUNT, Mount(""))


class OllamaServer(ServerDialect):
    name: ClassVar[str] = NAME
    operations: ClassVar[tuple[Operation, ...]] = (
        Operation("generate", "POST", CHAT, MOUNTS, "Answer a conversation"),
        Operation("generate", "POST", GENERATE, MOUNTS, "Answer a prompt"),
        Operation("models", "GET", TAGS, MOUNTS, "List the models and agents that the caller may name"),
        Operation("models", "POST", SHOW, MOUNTS, "Describe one of them"),
    )

    def peek(self, inbound: Inbound) -> Envelope:
        return outline.peek(inbound)

    def decode(self, inbound: Inbound) -> Call:
        return calls.decode(inbound)

    def encoder(self, call: Call, inbound: Inbound, framing: Framing) -> Encoder:
        generate = inbound.operation.path == GENERATE
        return WholeEncoder(call, generate) if framing == "json" else StreamEncoder(call, generate)

    def encode_error(self, error: GatewayError, inbound: Inbound) -> bytes:
        return refusals.encode(error)

    def encode_models(self, found: Sequence[Model], inbound: Inbound) -> bytes:
        if inbound.operation.path == SHOW and found:
            return models.show(found[0])
        return models.tags(found)
