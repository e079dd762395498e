"""Contracts of what agents' runs leave behind: turns that wait for their client, and calls that change something.

A run that calls nothing that changes anything leaves no trace here; its exchanges are in the usage log.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import Literal

import msgspec

from .errors import Conflict

CallState = Literal["made", "answered", "failed", "unknown"]
RunState = Literal["running", "completed", "failed", "cancelled"]


class KeptTurn(msgspec.Struct, frozen=True):
    """What a client was not told of its conversation. id: in the ids of the calls that it is to answer.

    payload: the messages, as JSON. expires: epoch seconds.
    """

    id: str
    user_id: str
    payload: bytes
    expires: float


class MadeCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tool's call that may have changed something. at, answered: epoch seconds.

    state: `made` while nobody knows what it came to, `unknown` where nobody ever will; it is never made again.
    """

    id: str
    tool: str
    at: float
    state: CallState = "made"
    answered: float | None = None


class RunRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A run that made such calls. id: of its exchange. request_id: the client's. Times are epoch seconds.

    state: `failed` also where the process that ran it is gone; `error` says so. calls: in their order.
    """

    id: str
    user_id: str
    agent: str
    began: float
    request_id: str = ""
    state: RunState = "running"
    ended: float | None = None
    error: str = ""
    calls: tuple[MadeCall, ...] = ()


LOST = "The gateway ended while the run was under way. What its last calls came to is not known; none is made again."
MOST = 10_000
"""Runs that a process remembers, where there is no store."""


class Runs(ABC):
    """Everything is durable when it returns. until: epoch seconds; whoever runs it renews that while it lives."""

    @abstractmethod
    async def keep(self, turn: KeptTurn) -> None: ...

    @abstractmethod
    async def take(self, turn: KeptTurn) -> bool:
        """The same, where nothing of its id is kept. Whether it was; of several at once it is for one alone."""

    @abstractmethod
    async def kept(self, user_id: str, ids: Collection[str], now: float) -> Sequence[KeptTurn]:
        """Those of them that are this user's and not expired."""

    @abstractmethod
    async def calling(self, run: RunRecord, call: MadeCall, until: float) -> None:
        """The call is about to be made; the first one of a run begins its record. Raises Conflict where it was made
        before: it is not made again.
        """

    @abstractmethod
    async def called(self, run_id: str, call_id: str, state: CallState, at: float) -> None: ...

    @abstractmethod
    async def renew(self, run_ids: Collection[str], until: float) -> None: ...

    @abstractmethod
    async def ended(self, run_id: str, state: RunState, error: str, at: float) -> None: ...

    @abstractmethod
    async def take_up(self, run_id: str, until: float) -> RunRecord | None:
        """Another process goes on with it: it runs, and calls that were not answered are unknown. None where it made no
        call that changes anything.
        """

    @abstractmethod
    async def get(self, user_id: str, run_id: str, now: float) -> RunRecord | None:
        """One that nobody has renewed has failed, and its calls that were not answered are unknown."""

    @abstractmethod
    async def list(self, user_id: str, now: float, request_id: str = "", limit: int = 100) -> Sequence[RunRecord]:
        """Newest first. request_id: of this request of the client's alone."""


class MemoryRuns(Runs):
    """For gateways without a store: it all ends with the process."""

    def __init__(self) -> None:
        self._turns: dict[str, KeptTurn] = {}
        self._runs: dict[str, RunRecord] = {}

    async def keep(self, turn: KeptTurn) -> None:
        self._turns[turn.id] = turn

    async def take(self, turn: KeptTurn) -> bool:
        return self._turns.setdefault(turn.id, turn) is turn

    async def kept(self, user_id: str, ids: Collection[str], now: float) -> Sequence[KeptTurn]:
        self._turns = {name: turn for name, turn in self._turns.items() if turn.expires > now}
        found = [self._turns[name] for name in ids if name in self._turns]
        return [turn for turn in found if turn.user_id == user_id]

    async def calling(self, run: RunRecord, call: MadeCall, until: float) -> None:
        known = self._runs.get(run.id, run)
        if any(one.id == call.id for one in known.calls):
            raise made_before(call)
        self._runs[run.id] = msgspec.structs.replace(known, calls=(*known.calls, call))
        while len(self._runs) > MOST:
            del self._runs[next(iter(self._runs))]

    async def called(self, run_id: str, call_id: str, state: CallState, at: float) -> None:
        if (run := self._runs.get(run_id)) is not None:
            calls = [
                msgspec.structs.replace(call, state=state, answered=at) if call.id == call_id else call
                for call in run.calls
            ]
            self._runs[run_id] = msgspec.structs.replace(run, calls=tuple(calls))

    async def renew(self, run_ids: Collection[str], until: float) -> None:
        return

    async def ended(self, run_id: str, state: RunState, error: str, at: float) -> None:
        if (run := self._runs.get(run_id)) is not None:
            self._runs[run_id] = msgspec.structs.replace(settled(run), state=state, error=error, ended=at)

    async def take_up(self, run_id: str, until: float) -> RunRecord | None:
        return None

    async def get(self, user_id: str, run_id: str, now: float) -> RunRecord | None:
        run = self._runs.get(run_id)
        return run if run is not None and run.user_id == user_id else None

    async def list(self, user_id: str, now: float, request_id: str = "", limit: int = 100) -> Sequence[RunRecord]:
        found = [run for run in reversed(self._runs.values()) if run.user_id == user_id]
        return [run for run in found if not request_id or run.request_id == request_id][:limit]


def made_before(call: MadeCall) -> Conflict:
    return Conflict(f"The call {call.id} was made before, and is not made again.", code="made_before")


def settled(run: RunRecord) -> RunRecord:
    """Nothing more will come of it."""
    calls = [msgspec.structs.replace(call, state="unknown") if call.state == "made" else call for call in run.calls]
    return msgspec.structs.replace(run, calls=tuple(calls))
