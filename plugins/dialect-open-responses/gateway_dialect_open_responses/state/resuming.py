"""Resumer: runs whose process is gone go on here from their last step, or have failed."""

from __future__ import annotations

import asyncio

from gateway import (
    SECOND_LOOK,
    UNDER_WAY,
    Detached,
    Exchange,
    Finish,
    GatewayError,
    KeptResponse,
    Left,
    Store,
    TakenUp,
    sse,
    still,
)

from ..echo import response_id
from . import items
from .calling import KeptCall, Plan, told
from .history import History, conversation_not_found
from .journal import BEGINNINGS, Journal, Resumed
from .kept import Kept
from .runs import Run, Runs, lost, patience
from .stepping import KeptSteps

MARK = b": another process goes on with it\n\n"
MOST = 3
"""Times that one run is taken up at the same step: it may be what ends its processes."""


class Resumer:
    def __init__(self, kept: Kept, runs: Runs, store: Store, detached: Detached) -> None:
        self._kept = kept
        self._runs = runs
        self._store = store
        self._detached = detached

    async def ended_in_silence(self, found: KeptResponse) -> KeptResponse:
        """What became of a run that has been silent for long. Raises Unavailable."""
        kept = self._kept
        if found.beat:
            await asyncio.sleep(SECOND_LOOK)  # while the store was away, none could be heard
            again = await kept.responses.get(found.owner, found.id, kept.now())
            if again is None or again.status not in UNDER_WAY or again.beat != found.beat:
                return again or found
        await self._take_up(found)
        return await kept.responses.get(found.owner, found.id, kept.now()) or found

    async def _take_up(self, response: KeptResponse) -> None:
        """Raises Unavailable."""
        kept = self._kept
        if self._runs.has(response.id):
            return  # the store was away, and hears of it soon
        now = kept.now()
        silent = now - kept.settings.silence
        taken = None
        if kept.sealed_calls is not None:
            taken = await kept.responses.take_up(response.id, silent, now, MARK, len(BEGINNINGS), MOST)
        if taken is None:
            await self._give_up(response, silent)
            return
        try:
            await self._go_on(taken)
        except GatewayError as error:
            kept.log.warning("the run %s cannot go on here: %s", response.id, error.public)
            await kept.responses.finish(lost(taken.response))

    async def _give_up(self, response: KeptResponse, silent: float) -> None:
        """Where nobody was faster."""
        found = await self._kept.responses.get(response.owner, response.id, 0.0)
        if found is not None and found.beat is not None and found.beat <= silent:
            await self._kept.responses.finish(lost(found))

    async def _go_on(self, taken: TakenUp) -> None:
        """Raises GatewayError."""
        kept, response = self._kept, taken.response
        exchange, finish = await self._exchange(taken)
        call = KeptCall(exchange, kept, await self._plan(response), self._runs)
        resumed = Resumed(taken.newest, await self._has_begun(response))
        journal = Journal(kept, response, call.plan.told, resumed)
        steps = KeptSteps(journal, patience(kept), taken.steps)
        kept.log.warning("the run %s goes on here, from step %d", response.id, len(taken.steps))
        self._runs.launch(Run(call, journal, response, steps), finish)

    async def _exchange(self, taken: TakenUp) -> tuple[Exchange, Finish]:
        kept, response = self._kept, taken.response
        assert kept.sealed_calls is not None
        left: Left | None = kept.sealed_calls.open(taken.asked, response.id)
        if left is None:
            raise GatewayError("what it was asked was sealed under another key, or by another version")
        principal = await still(left.principal, self._store, kept.now())
        exchange, finish = self._detached.take_up(left, principal)
        exchange.named = response_id(exchange.reply_id)
        return exchange, finish

    async def _has_begun(self, response: KeptResponse) -> bool:
        first = await self._kept.responses.frames(response.owner, response.id, -1, self._kept.now())
        return any(sse.named(frame) == BEGINNINGS[-1] for _, frame in first[:8])

    async def _plan(self, response: KeptResponse) -> Plan:
        """As it was made when the call came. Raises NotFound where its conversation was deleted meanwhile."""
        kept, owner, previous = self._kept, response.owner, response.previous_id
        conversation = None
        if response.conversation_id:
            conversation = await kept.conversations.get(owner, response.conversation_id, kept.now())
            if conversation is None:
                raise conversation_not_found(response.conversation_id)
        latest = await kept.behind.get(owner, previous, kept.now()) if previous else None
        past = History(responses=() if latest is None else (latest,), conversation=conversation, place=response.place)
        return Plan(
            owner=owner,
            kept=True,
            there=False,
            beside=False,
            past=past,
            replays=False,
            previous_id=previous,
            continues=previous,
            alone=False,
            own=items.listed(response.input),
            asked=(),
            refers=False,
            background=True,
            told=told(response.id, previous, response.conversation_id, True, True),
        )
