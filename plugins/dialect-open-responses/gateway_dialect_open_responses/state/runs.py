"""Runs: calls in the background. Each goes on in the worker that took the call, whoever listens.

They are `Services.detached`'s: a drain waits for them as for requests, for `timeouts.drain` seconds; what runs then
still is cut: one that wrote steps is left to another process, any other has failed. A run whose worker dies is found by
its silence, and likewise.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial

import msgspec

from gateway import (
    SECOND_LOOK,
    Detached,
    Finish,
    GatewayError,
    Going,
    KeptResponse,
    Sink,
    Unavailable,
)
from gateway.wire.jsontext import encode, members, raw

from .calling import KeptCall, blank
from .following import follow
from .journal import Journal
from .kept import Kept
from .stepping import KeptSteps

LONGEST_AWAY = 3600.0
"""Seconds for which what a run came to is tried to be written; after that it has failed, by its silence."""
PERIOD = 60.0
"""Seconds between two looks for runs whose process is gone, at most."""
AGAIN = 0.5
"""Seconds between two tries."""


class Run:
    """steps: what another process could go on from. going: what runs it. over: it has ended, and its last words are
    written.
    """

    def __init__(
        self, call: KeptCall, journal: Journal, response: KeptResponse, steps: KeptSteps | None = None
    ) -> None:
        self.steps = call.exchange.steps = steps
        self.call = call
        self.journal = journal
        self.response = response
        self.going: Going | None = None
        self.is_cancelled = False
        self.over = asyncio.Event()

    def cancel(self) -> None:
        if self.over.is_set() or self.is_cancelled:
            return
        self.is_cancelled = True
        if self.going is not None:
            self.going.end()


class Runs:
    """Of one worker."""

    def __init__(self, kept: Kept, detached: Detached) -> None:
        self._kept = kept
        self._detached = detached
        self._runs: dict[str, Run] = {}

    def cancel(self, response_id: str) -> None:
        """Where it runs here; elsewhere it is noticed."""
        run = self._runs.get(response_id)
        if run is not None:
            run.cancel()

    async def begin(self, call: KeptCall, sink: Sink, finish: Finish) -> None:
        """Raises Unavailable while nothing runs."""
        exchange, kept = call.exchange, self._kept
        response = _queued(call)
        asked = None if kept.sealed_calls is None else kept.sealed_calls.seal(exchange, response.id)
        if not await kept.responses.put(response, asked):
            raise Unavailable("The response could not be kept; try again.")
        streams = exchange.envelope.stream
        exchange.envelope = msgspec.structs.replace(exchange.envelope, stream=True)
        journal = Journal(kept, response, call.plan.told)
        steps = None if asked is None else KeptSteps(journal, patience(kept))
        self.launch(Run(call, journal, response, steps), finish)
        headers = exchange.identity
        if not streams:
            await sink.whole(200, headers | {"Content-Type": "application/json"}, response.reply)
            return
        try:
            await follow(sink, kept, response, -1, headers)
        except GatewayError:  # the store is away: the client sees that it was cut, and may come back
            sink.abort()

    def has(self, response_id: str) -> bool:
        return response_id in self._runs

    def launch(self, run: Run, finish: Finish) -> None:
        exchange = run.call.exchange
        self._runs[run.response.id] = run
        exchange.detached = True
        writing = asyncio.create_task(self._write(run))
        run.going = self._detached.start(finish(exchange, run.journal), partial(self._over, run, writing))
        if run.steps is not None:
            run.steps.going = run.going

    async def _over(self, run: Run, writing: asyncio.Task[None], is_cut: bool) -> None:
        run.over.set()
        try:
            await writing
            if run.steps is not None and run.steps.leaving:
                await self._leave(run)
            else:
                await self._end(run, is_cut)
        finally:
            self._runs.pop(run.response.id, None)

    async def _write(self, run: Run) -> None:
        """A run that is under way no more for the store is ended."""
        if not await run.journal.writer.keep_up(run.over, self._kept.settings.silence / 4):
            run.cancel()

    async def _end(self, run: Run, is_cut: bool) -> None:
        """What it came to, where nobody said before that it was cancelled."""
        journal, kept = run.journal, self._kept
        if run.is_cancelled:
            journal.ended_as("cancelled", {})
        elif is_cut:
            journal.fail("server_shutdown", "The gateway was stopped while this response was under way; ask again.")
        else:
            journal.fail("server_error", "The run ended without a reply.")
        tries = 0
        while tries * AGAIN < LONGEST_AWAY:
            try:
                await self._last_words(run)
                return
            except GatewayError as error:
                if not tries:
                    kept.log.error("what the run %s came to cannot be written yet: %s", run.response.id, error.public)
                tries += 1
                await asyncio.sleep(AGAIN)
        kept.log.error("what the run %s came to is not written", run.response.id)

    async def _leave(self, run: Run) -> None:
        """Where the store is away, it is found by its silence."""
        with contextlib.suppress(GatewayError):
            await self._kept.responses.leave(run.response)

    async def _last_words(self, run: Run) -> None:
        """Raises Unavailable."""
        journal = run.journal
        assert journal.final is not None
        status, reply = journal.final
        if journal.writer.waits:
            await journal.writer.flush()
        response = run.call.response(reply, status)
        done = await self._kept.responses.finish(
            msgspec.structs.replace(response, id=run.response.id, term=run.response.term)
        )
        if done == status and status in ("completed", "incomplete"):
            await run.call.joined(reply)


def patience(kept: Kept) -> float:
    """Seconds within which the end of a process is noticed, and another goes on with what it ran."""
    silence = kept.settings.silence
    return silence + 2 * min(PERIOD, silence) + SECOND_LOOK


def _queued(call: KeptCall) -> KeptResponse:
    response = call.response(blank(call, "queued"), "queued")
    return msgspec.structs.replace(response, beat=call.kept.now())


def lost(response: KeptResponse) -> KeptResponse:
    """A run whose worker is gone."""
    error = {"code": "server_error", "message": "The gateway's process that ran this response is gone; ask again."}
    more = {"status": raw("failed"), "error": raw(error)}
    return msgspec.structs.replace(response, status="failed", reply=encode(members(response.reply) | more))
