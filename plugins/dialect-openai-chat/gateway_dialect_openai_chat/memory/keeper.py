"""ChatKeeper: an agent that remembers is told what was said before, and what is said is kept."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import msgspec
from msgspec import Raw

from gateway import (
    Conflict,
    Conversation,
    ConversationItem,
    Conversations,
    Exchange,
    Finish,
    GatewayError,
    Keeper,
    Keeping,
    NotFound,
    Owner,
    Sink,
    Unavailable,
)
from gateway.wire.jsontext import encode, raw
from gateway.wire.members import Members, parsed

from ..proofs import NAME
from .hearing import HearingSink, Message
from .names import id_of, name_of
from .settings import MemorySettings

OF_SYSTEM = frozenset(("system", "developer"))
READ = 64 * 2**20
"""Bytes of a conversation that are read at most, to take the newest of them."""


class _Role(msgspec.Struct):
    role: str = ""


_ROLE = msgspec.json.Decoder(_Role)


class ChatKeeper(Keeper):
    dialect = NAME

    def __init__(
        self, conversations: Conversations, settings: MemorySettings, now: Callable[[], float], log: logging.Logger
    ) -> None:
        self._conversations = conversations
        self._settings = settings
        self._now = now
        self._log = log

    def concerns(self, exchange: Exchange) -> bool:
        return exchange.route is not None and exchange.route.memory

    async def take_up(self, exchange: Exchange) -> Keeping:
        """A client that brings the model's own messages along remembers by itself, and is left alone."""
        members = Members(parsed(exchange.inbound.body))
        name = name_of(exchange, members)
        messages = members.array("messages")
        roles = [_role(message) for message in messages]
        body = members.rest() | {"messages": raw(messages)}
        if name is None or "assistant" in roles:
            exchange.inbound.body = encode(body)
            return _Plain()
        assert exchange.route is not None
        owner = owner_of(exchange)
        conversation_id = id_of(owner, exchange.route.agent, name)
        system = [one for one, role in zip(messages, roles, strict=True) if role in OF_SYSTEM]
        new = [one for one, role in zip(messages, roles, strict=True) if role not in OF_SYSTEM]
        earlier = await self._earlier(owner, conversation_id)
        exchange.inbound.body = encode(body | {"messages": raw([*system, *earlier, *new])})
        return _Remembering(self, exchange, owner, conversation_id, new)

    async def serve(self, exchange: Exchange, sink: Sink) -> None:
        raise NotFound("Nothing of it is served here.")

    async def _earlier(self, owner: Owner, conversation_id: str) -> Sequence[Raw]:
        """The newest messages that fit, from one of the user's on."""
        found = await self._conversations.items(owner, conversation_id, self._now(), READ) or ()
        taken: list[Raw] = []
        left = self._settings.context
        for item in reversed(found):
            left -= len(item.body)
            if left < 0:
                break
            taken.append(Raw(item.body))
        taken.reverse()
        while taken and _role(taken[0]) != "user":
            del taken[0]
        return taken

    async def add(self, owner: Owner, conversation_id: str, agent: str, seed: str, said: Sequence[bytes]) -> None:
        """What was said in a turn; a conversation begins with its first."""
        now, until = self._now(), self._now() + self._settings.ttl
        items = [ConversationItem(f"chatmsg_{seed}_{n}", body) for n, body in enumerate(said)]
        try:
            if await self._conversations.add(owner, conversation_id, items, now, until) is None:
                made = Conversation(conversation_id, owner, now, until, {"agent": agent[:512]})
                try:
                    await self._conversations.create(made, items)
                except Conflict:  # another turn began it just now
                    await self._conversations.add(owner, conversation_id, items, now, until)
        except GatewayError as error:
            self._log.warning("a turn of %s is not remembered: %s", conversation_id, error.public)


class _Plain(Keeping):
    """Nothing is kept."""

    def sink(self, sink: Sink) -> Sink:
        return sink

    async def detach(self, sink: Sink, finish: Finish) -> None:
        raise Unavailable("Chat completions do not run in the background.")


class _Remembering(_Plain):
    def __init__(
        self, keeper: ChatKeeper, exchange: Exchange, owner: Owner, conversation_id: str, new: Sequence[Raw]
    ) -> None:
        self._keeper = keeper
        self._exchange = exchange
        self._owner = owner
        self._id = conversation_id
        self._new = new

    def sink(self, sink: Sink) -> Sink:
        return HearingSink(sink, self._said)

    async def _said(self, message: Message) -> None:
        exchange = self._exchange
        said = [*(bytes(one) for one in self._new), message.written()]
        agent = exchange.route.agent if exchange.route else ""
        await self._keeper.add(self._owner, self._id, agent, exchange.reply_id, said)


def owner_of(exchange: Exchange) -> Owner:
    """A key with scopes has what it leaves here for itself."""
    principal = exchange.principal
    limited = principal.scopes is not None and principal.scopes.limits_calls
    return Owner(principal.user_id, principal.key_id if limited else "")


def _role(message: Raw) -> str:
    try:
        return _ROLE.decode(message).role
    except msgspec.MsgspecError:
        return ""
