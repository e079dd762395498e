"""ChatKeeper: an agent that remembers is told what was said before, and what is said is kept."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Raw

from gateway import Exchange, Finish, Keeper, Keeping, Memory, NotFound, Sink, Thread, Unavailable, role_of
from gateway.wire.jsontext import encode, raw
from gateway.wire.members import Members, parsed

from ..proofs import NAME
from .hearing import HearingSink, Message
from .names import name_of

OF_SYSTEM = frozenset(("system", "developer"))


class ChatKeeper(Keeper):
    dialect = NAME

    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    def concerns(self, exchange: Exchange) -> bool:
        return self.memory.concerns(exchange)

    async def take_up(self, exchange: Exchange) -> Keeping:
        """A client that brings the model's own messages along remembers by itself, and is left alone."""
        members = Members(parsed(exchange.inbound.body))
        name = name_of(exchange, members)
        messages = members.array("messages")
        roles = [role_of(message) for message in messages]
        body = members.rest() | {"messages": raw(messages)}
        if name is None or "assistant" in roles:
            exchange.inbound.body = encode(body)
            return _Plain()
        thread = Thread.of(exchange, name)
        system = [one for one, role in zip(messages, roles, strict=True) if role in OF_SYSTEM]
        new = [one for one, role in zip(messages, roles, strict=True) if role not in OF_SYSTEM]
        earlier = await self.memory.earlier(thread)
        exchange.inbound.body = encode(body | {"messages": raw([*system, *earlier, *new])})
        return _Remembering(self.memory, exchange, thread, new)

    async def serve(self, exchange: Exchange, sink: Sink) -> None:
        raise NotFound("Nothing of it is served here.")


class _Plain(Keeping):
    """Nothing is kept."""

    def sink(self, sink: Sink) -> Sink:
        return sink

    async def detach(self, sink: Sink, finish: Finish) -> None:
        raise Unavailable("Chat completions do not run in the background.")


class _Remembering(_Plain):
    def __init__(self, memory: Memory, exchange: Exchange, thread: Thread, new: Sequence[Raw]) -> None:
        self._memory, self._exchange, self._thread, self._new = memory, exchange, thread, new

    def sink(self, sink: Sink) -> Sink:
        return HearingSink(sink, self._said)

    async def _said(self, message: Message) -> None:
        said = [*(bytes(one) for one in self._new), message.written()]
        await self._memory.add(self._thread, self._exchange.reply_id, said)
