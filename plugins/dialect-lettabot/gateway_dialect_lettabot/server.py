"""The dialect as clients speak it to us. Source: LettaBot 99c3b5d, `src/api/server.ts`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from gateway import (
    Call,
    Credential,
    Encoder,
    Envelope,
    Framing,
    GatewayError,
    Inbound,
    Model,
    Operation,
    ServerDialect,
)

from . import calls, credentials, refusals, status
from .encoders import StreamEncoder, WholeEncoder
from .names import CHAT, MOUNT, NAME, STATUS


class LettaBotServer(ServerDialect):
    name: ClassVar[str] = NAME
    operations: ClassVar[tuple[Operation, ...]] = (
        Operation("generate", "POST", CHAT, (MOUNT,), "Say something to an agent or model, as LettaBot's clients do"),
        Operation("models", "GET", STATUS, (MOUNT,), "Agents and models that the caller may talk to"),
    )

    def credential(self, inbound: Inbound) -> Credential | None:
        return credentials.shown(inbound)

    def peek(self, inbound: Inbound) -> Envelope:
        return calls.peek(inbound)

    def decode(self, inbound: Inbound) -> Call:
        return calls.decode(inbound)

    def encoder(self, call: Call, inbound: Inbound, framing: Framing) -> Encoder:
        return WholeEncoder(call) if framing == "json" else StreamEncoder()

    def encode_error(self, error: GatewayError, inbound: Inbound) -> bytes:
        return refusals.encode(error, inbound)

    def encode_models(self, models: Sequence[Model], inbound: Inbound) -> bytes:
        return status.encode(models)
