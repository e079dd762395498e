"""Journal: what of a run must outlast it: its calls that change something, and turns that a client is to answer."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from gateway import Exchange, GatewayError, Message, Store, ToolResult
from gateway.runs import CallState, KeptTurn, MadeCall, MemoryRuns, RunRecord, Runs, RunState
from gateway.wire.jsontext import UNREADABLE, encode, mended

from .history import Turns, tokens_in
from .place import Place

_KEPT = msgspec.json.Decoder(list[Message] | Place)


@dataclass(frozen=True, slots=True)
class Book:
    """Where journals are kept. lease: seconds after which a run that nobody renews counts as failed. kept: seconds for
    which a turn waits. alive: ids of runs of this process, over reloads.
    """

    runs: Runs
    clock: Callable[[], float]
    lease: float
    kept: float
    log: logging.Logger
    alive: set[str] = field(default_factory=set)

    async def turns(self, user_id: str, messages: Sequence[Message]) -> Turns:
        """Those that this conversation refers to."""
        return turns_of(await self.places(user_id, messages))

    async def places(self, user_id: str, messages: Sequence[Message]) -> Mapping[str, list[Message] | Place]:
        """The same, of several agents with where these were."""
        tokens = tokens_in(messages)
        found = await self.runs.kept(user_id, tokens, self.clock()) if tokens else ()
        return {turn.id: _read(turn.payload) for turn in found}

    async def keep(self, user_id: str, token: str, said: Sequence[Message] | Place) -> None:
        """Raises Unavailable: what is lost could not be answered."""
        payload = encode(said if isinstance(said, Place) else list(said))
        await self.runs.keep(KeptTurn(token, user_id, payload, self.clock() + self.kept))

    async def take(self, user_id: str, token: str) -> bool:
        """Whether nobody else makes this turn's calls that were asked about, or did. Raises Unavailable."""
        return await self.runs.take(KeptTurn(_answers(token), user_id, encode([]), self.clock() + self.kept))

    async def came(self, user_id: str, token: str, results: Sequence[ToolResult]) -> None:
        """What they came to stands all the same where this cannot be written; they are not made again."""
        said = encode([Message("tool", [*results])])
        try:
            await self.runs.keep(KeptTurn(_answers(token), user_id, said, self.clock() + self.kept))
        except GatewayError as error:
            self.log.warning("What calls came to that were approved of is not written: %s", error.public)

    async def results(self, user_id: str, tokens: Sequence[str]) -> Mapping[str, Sequence[ToolResult]]:
        """What such calls came to, by the turn's token; nothing yet where they are being made."""
        names = {_answers(token): token for token in tokens}
        found = await self.runs.kept(user_id, list(names), self.clock())
        return {names[turn.id]: _results(turn) for turn in found}

    async def renew(self) -> None:
        if self.alive:
            await self.runs.renew(frozenset(self.alive), self.clock() + self.lease)


class Journal:
    """Of one run; it begins with the first call that changes something."""

    def __init__(self, book: Book, exchange: Exchange, agent: str) -> None:
        self._book = book
        self._exchange = exchange
        self._agent = agent
        self._begun = False

    async def calling(self, call_id: str, tool: str) -> None:
        """Raises Unavailable: a call that nobody would know of is not made."""
        book, exchange = self._book, self._exchange
        run = RunRecord(
            exchange.id, exchange.principal.user_id, self._agent, exchange.began, exchange.request_id or exchange.id
        )
        book.alive.add(exchange.id)
        self._begun = True
        now = book.clock()
        await book.runs.calling(run, MadeCall(call_id, tool, now), now + book.lease)

    async def called(self, call_id: str, state: CallState) -> None:
        """The result stands all the same where this cannot be written: its call is `unknown` then."""
        try:
            await self._book.runs.called(self._exchange.id, call_id, state, self._book.clock())
        except GatewayError as error:
            self._book.log.warning("%s: a call's end is not written: %s", self._exchange.id, error.public)

    async def end(self, state: RunState, error: str = "") -> None:
        if not self._begun:
            return
        book = self._book
        book.alive.discard(self._exchange.id)
        try:
            await book.runs.ended(self._exchange.id, state, error, book.clock())
        except GatewayError as failure:
            book.log.warning("%s: a run's end is not written: %s", self._exchange.id, failure.public)


def token() -> str:
    """No secret, but nobody comes upon another's."""
    return secrets.token_hex(12)


def _answers(token: str) -> str:
    """The name under which it is kept that a turn's calls are taken up, and then what they came to."""
    return f"{token}-answers"


def _results(turn: KeptTurn) -> list[ToolResult]:
    [messages] = turns_of({turn.id: _read(turn.payload)}).values()
    return [block for message in messages for block in message.blocks if isinstance(block, ToolResult)]


def runs_of(store: Store | None, state: dict[str, object]) -> Runs:
    """Where there is no store that keeps them, this process does, over reloads."""
    if store is not None and store.runs is not None:
        return store.runs
    found = state.setdefault("provider-agents.runs", MemoryRuns())
    assert isinstance(found, Runs)
    return found


def turns_of(places: Mapping[str, list[Message] | Place]) -> Turns:
    return {token: kept.messages if isinstance(kept, Place) else kept for token, kept in places.items()}


def _read(payload: bytes) -> list[Message] | Place:
    try:
        return _KEPT.decode(payload)
    except UNREADABLE:
        return _KEPT.decode(mended(payload))
