"""GET /api/v1/status: who can be talked to. Conversations belong to their callers here, and are not told."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway import Model
from gateway.wire import jsontext


class Agent(msgspec.Struct, rename="camel"):
    agent_id: str
    conversation_id: str | None
    conversations: dict[str, str]
    channels: list[str]
    name: str
    description: str


class Status(msgspec.Struct):
    """agents: by what `agent` takes."""

    agents: dict[str, Agent]


def encode(models: Sequence[Model]) -> bytes:
    return jsontext.encode(Status({one.id: Agent(one.id, None, {}, [], one.name, one.description) for one in models}))
