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
    which a turn waits. alive: ids of runs of this process, over reloads, each with seconds on top of the lease.
    """

    runs: Runs
    clock: Callable[[], float]
    lease: float
    kept: float
    log: logging.Logger
    alive: dict[str, float] = field(default_factory=dict)

    @property
    def lasts(self) -> bool:
        """Whether it is there after a crash."""
        return not isinstance(self.runs, MemoryRuns)

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
        until = self.clock() + self.lease
        for patience in set(self.alive.values()):
            ids = frozenset(name for name, seconds in self.alive.items() if seconds == patience)
            await self.runs.renew(ids, until + patience)


class Journal:
    """Of one run; it begins with the first call that changes something. Where another process may take the run up, that
    is waited for before it counts as failed.
    """

    def __init__(self, book: Book, exchange: Exchange, agent: str) -> None:
        self._book = book
        self._exchange = exchange
        self._agent = agent
        self._begun = False
        self._before: dict[str, CallState] = {}

    async def take_up(self) -> None:
        """Another process began the run. Raises Unavailable."""
        book, name = self._book, self._exchange.id
        run = await book.runs.take_up(name, self._until())
        if run is not None:
            book.alive[name] = self._patience
            self._begun = True
            self._before = {call.id: call.state for call in run.calls}

    def before(self, call_id: str) -> CallState | None:
        """What is known of a call that another process made."""
        return self._before.get(call_id)

    def _until(self) -> float:
        return self._book.clock() + self._book.lease + self._patience

    @property
    def _patience(self) -> float:
        steps = root_of(self._exchange).steps
        return 0.0 if steps is None else steps.patience

    async def calling(self, call_id: str, tool: str) -> None:
        """Raises Unavailable: a call that nobody would know of is not made."""
        book, exchange = self._book, self._exchange
        run = RunRecord(
            exchange.id, exchange.principal.user_id, self._agent, exchange.began, exchange.request_id or exchange.id
        )
        await self._tell_root()
        book.alive[exchange.id] = self._patience
        self._begun = True
        await book.runs.calling(run, MadeCall(call_id, tool, book.clock()), self._until())

    async def _tell_root(self) -> None:
        """What asked for this run knows its reply alone, so that it must not ask for it again."""
        root = root_of(self._exchange)
        if root is not self._exchange and root.steps is not None:
            root.steps.unsafe = True
            await root.steps.write(b"", safe=False)

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
        book.alive.pop(self._exchange.id, None)
        steps = root_of(self._exchange).steps
        if steps is not None and steps.leaving:
            return  # another process goes on with it
        try:
            await book.runs.ended(self._exchange.id, state, error, book.clock())
        except GatewayError as failure:
            book.log.warning("%s: a run's end is not written: %s", self._exchange.id, failure.public)


def root_of(exchange: Exchange) -> Exchange:
    """What its client asked for."""
    while exchange.parent is not None:
        exchange = exchange.parent
    return exchange


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
