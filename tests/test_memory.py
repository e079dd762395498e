"""What agents that remember are told of a conversation. How the store takes the newest is tested with the stores."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any, cast

import pytest

from gateway import ConversationItem, Conversations, Memory, Owner, Thread
from gateway.settings.core import MemorySettings

THREAD = Thread(Owner("ann"), "agent_a", "conv_1")


class Newest:
    """Says what was asked of it."""

    def __init__(self, *roles: str) -> None:
        self.items = [
            ConversationItem(str(n), json.dumps({"role": role, "n": n}).encode()) for n, role in enumerate(roles)
        ]
        self.asked: tuple[Any, ...] = ()

    async def newest(self, *asked: Any) -> Sequence[ConversationItem]:
        self.asked = asked
        return self.items


@pytest.mark.parametrize(
    ("roles", "told"),
    [
        ("user assistant user assistant", [0, 1, 2, 3]),
        ("assistant user assistant", [1, 2]),
        ("tool assistant user", [2]),
        ("assistant", []),
        ("", []),
    ],
    ids=["whole", "cut after a question", "cut in a call", "no question", "nothing"],
)
async def test_earlier_messages_begin_with_one_of_the_users(roles: str, told: list[int]) -> None:
    """Upstreams refuse a conversation that begins with an answer, or with a result of a call that is not there."""
    found = Newest(*roles.split())
    memory = Memory(cast(Conversations, found), MemorySettings(context=77), lambda: 5.0, logging.getLogger())
    assert [json.loads(bytes(message))["n"] for message in await memory.earlier(THREAD)] == told
    assert found.asked == (THREAD.owner, THREAD.id, 5.0, 77)
