"""`gateway.dialect-openai-chat`: how long agents that remember do so, and how much."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class MemorySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Of agents with `memory: server`. ttl: seconds that a conversation stays after its last turn. context: bytes of
    earlier messages that a call is given, the newest of them.
    """

    ttl: Annotated[float, Meta(gt=0)] = 2_592_000.0
    context: Annotated[int, Meta(gt=0)] = 2**20
