"""What clients speak to us."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec

from gateway import (
    AGENTS_MOUNT,
    Call,
    Encoder,
    Envelope,
    Framing,
    GatewayError,
    Inbound,
    Model,
    Operation,
    ServerDialect,
    Unsupported,
)

from .decode_call import decode_call
from .edit import COMPACT, COUNT
from .encode_reply import ReplyEncoder
from .errors import encode_error
from .members import NAME
from .messages import as_message, continued, in_lane, lane, turn
from .peek import peek
from .state.memory import forget
from .warm_up import WARM_UP, refuse_warm_up

_LIMITS = ("limit", "remaining", "reset")
_AGENTS = "/responses/models"
"""LibreChat's list of agents, in a form of its own. Source: `api/server/controllers/agents/responses.js`."""


class _Model(msgspec.Struct, omit_defaults=True):
    id: str
    object: str
    created: int
    owned_by: str
    name: str = ""
    description: str = ""
    provider: str = ""


class _Models(msgspec.Struct):
    object: str
    data: list[_Model]


class OpenResponsesServer(ServerDialect):
    name: ClassVar[str] = NAME
    operations: ClassVar[tuple[Operation, ...]] = (
        Operation("generate", "POST", "/responses", summary="Answer a call in the Open Responses format"),
        Operation("models", "GET", _AGENTS, (AGENTS_MOUNT,), "List agents as LibreChat does beside its Responses API"),
        Operation("socket", "GET", "/responses", summary="The same as a WebSocket, a message each"),
        Operation("count", "POST", COUNT, summary="Count the input tokens of such a call"),
        Operation("generate", "POST", COMPACT, summary="Make a conversation shorter, as the upstream does that"),
        Operation("state", "GET", "/responses/{id}", summary="A response that was kept, or its events as they come"),
        Operation("state", "DELETE", "/responses/{id}", summary="Delete it"),
        Operation("state", "POST", "/responses/{id}/cancel", summary="Cancel one in the background"),
        Operation("state", "GET", "/responses/{id}/input_items", summary="What the model was told for it"),
        Operation("state", "POST", "/conversations", summary="Begin a conversation"),
        Operation("state", "GET", "/conversations/{id}", summary="A conversation"),
        Operation("state", "POST", "/conversations/{id}", summary="Change its metadata"),
        Operation("state", "DELETE", "/conversations/{id}", summary="Delete it, with all that was said in it"),
        Operation("state", "GET", "/conversations/{id}/items", summary="What was said in it"),
        Operation("state", "POST", "/conversations/{id}/items", summary="Add to it"),
        Operation("state", "GET", "/conversations/{id}/items/{item_id}", summary="One item of it"),
        Operation("state", "DELETE", "/conversations/{id}/items/{item_id}", summary="Delete one item of it"),
    )
    reply_headers: ClassVar[frozenset[str]] = frozenset(
        (
            "openai-model",
            "openai-processing-ms",
            "openai-version",
            "retry-after",
            "retry-after-ms",
            *(f"x-ratelimit-{word}-{of}" for word in _LIMITS for of in ("requests", "tokens")),
        )
    )

    def peek(self, inbound: Inbound) -> Envelope:
        return peek(inbound.body)

    def decode(self, inbound: Inbound) -> Call:
        if inbound.operation.path == COMPACT:
            raise Unsupported(
                "Nothing is kept on this gateway, and so it compacts nothing; an upstream that keeps responses does.",
                code="not_offered",
            )
        refuse_warm_up(inbound)
        return decode_call(inbound.body)

    def encoder(self, call: Call, inbound: Inbound, framing: Framing) -> Encoder:
        return ReplyEncoder(call, inbound, streams=framing == "sse")

    def turn(self, message: bytes) -> tuple[Operation, bytes]:
        body, generates = turn(message)
        return self.operations[0] if generates else WARM_UP, body

    def lane(self, message: bytes) -> str:
        return lane(message)

    def in_lane(self, message: bytes, lane: str) -> bytes:
        return in_lane(message, lane)

    def failed(self, message: bytes, lane: str, memory: dict[str, Any]) -> None:
        forget(memory, lane, continued(message))

    def as_message(self, status: int, body: bytes) -> bytes:
        return as_message(status, body)

    def encode_count(self, tokens: int, inbound: Inbound) -> bytes:
        return msgspec.json.encode({"object": "response.input_tokens", "input_tokens": tokens})

    def encode_error(self, error: GatewayError, inbound: Inbound) -> bytes:
        return encode_error(error)

    def encode_models(self, models: Sequence[Model], inbound: Inbound) -> bytes:
        listed = [_agent(model) if inbound.operation.path == _AGENTS else _listed(model) for model in models]
        return msgspec.json.encode(listed[0] if inbound.params and listed else _Models("list", listed))


def _agent(model: Model) -> _Model:
    owner = model.author or model.owner or "librechat"
    return _Model(model.id, "model", model.created, owner, model.name, model.description, model.provider)


def _listed(model: Model) -> _Model:
    return _Model(model.id, "model", model.created, model.owner or "librechat", model.name, model.description)
