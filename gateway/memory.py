"""Memory of agents with `memory: server`: what was said, told again to the next call, whatever dialect clients speak.

It is kept as messages of chat completions, in conversations that the store keeps; a conversation goes by a name, and is
of one user and one agent.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence

import msgspec
from msgspec import Raw

from .conversations import Conversation, ConversationItem, Conversations
from .errors import Conflict, GatewayError
from .pipeline.exchange import Exchange
from .services import Services
from .settings.contract import Settings
from .settings.core import Core, MemorySettings
from .streams import Owner


class Thread(msgspec.Struct, frozen=True):
    """A conversation with an agent. id: nobody else's name leads to it."""

    owner: Owner
    agent: str
    id: str

    @classmethod
    def of(cls, exchange: Exchange, name: str) -> Thread:
        """name: what the client calls it, with where it says so, as `user ann`."""
        owner = Owner.of(exchange.principal)
        agent = exchange.route.agent if exchange.route is not None else ""
        told = msgspec.json.encode([owner.user_id, owner.key_id, agent, name])
        return cls(owner, agent, "conv_" + hashlib.sha256(told).hexdigest()[:48])


class Memory:
    """now: epoch seconds."""

    def __init__(
        self, conversations: Conversations, settings: MemorySettings, now: Callable[[], float], log: logging.Logger
    ) -> None:
        self._conversations, self._settings, self._now, self._log = conversations, settings, now, log

    @classmethod
    def of(cls, settings: Settings, services: Services) -> Memory | None:
        """None where no store keeps conversations: then nobody remembers."""
        store = services.store
        if store is None or store.conversations is None:
            return None
        return cls(store.conversations, settings.one(Core).memory, services.clock, services.log)

    @staticmethod
    def concerns(exchange: Exchange) -> bool:
        """Whether the agent that is called remembers."""
        return exchange.route is not None and exchange.route.memory

    async def earlier(self, thread: Thread) -> Sequence[Raw]:
        """The newest messages that fit, from one of the user's on. Raises Unavailable."""
        found = await self._conversations.newest(thread.owner, thread.id, self._now(), self._settings.context)
        messages = [Raw(item.body) for item in found]
        first = next((at for at, one in enumerate(messages) if role_of(one) == "user"), len(messages))
        return messages[first:]

    async def add(self, thread: Thread, seed: str, said: Sequence[bytes]) -> None:
        """What was said in a turn; a conversation begins with its first. What cannot be kept is logged."""
        now, until = self._now(), self._now() + self._settings.ttl
        items = [ConversationItem(f"chatmsg_{seed}_{n}", body) for n, body in enumerate(said)]
        try:
            if await self._conversations.add(thread.owner, thread.id, items, now, until) is None:
                made = Conversation(thread.id, thread.owner, now, until, {"agent": thread.agent[:512]})
                try:
                    await self._conversations.create(made, items)
                except Conflict:  # another turn began it just now
                    await self._conversations.add(thread.owner, thread.id, items, now, until)
        except GatewayError as error:
            self._log.warning("a turn of %s is not remembered: %s", thread.id, error.public)


class _Role(msgspec.Struct):
    role: str = ""


_ROLE = msgspec.json.Decoder(_Role)


def role_of(message: Raw) -> str:
    """ "" for what is no message."""
    try:
        return _ROLE.decode(message).role
    except msgspec.MsgspecError:
        return ""
