"""Runs: calls in the background. Each is a task of the worker that took the call, whoever listens.

A drain waits for them as for requests, for `timeouts.drain` seconds; what runs then still is ended, and has failed. A
run whose worker dies is found by its silence, and has failed as well.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Literal

import msgspec

from gateway import (
    UNDER_WAY,
    Call,
    ClientGone,
    Finish,
    GatewayError,
    KeptResponse,
    Lifespan,
    Sink,
    Started,
    Unavailable,
)
from gateway.wire.jsontext import encode, members, raw

from ..echo import knows_openai_only, resource
from .following import follow
from .journal import Journal
from .kept import Kept

if TYPE_CHECKING:
    from .calling import KeptCall

TICK = 0.1
"""Seconds between two writes of what waits, and two looks at whether a run was cancelled elsewhere."""
TRIES = 4
"""Of writing what a run came to; where the store stays away, it is found by its silence and has failed.
"""
LAST_WORDS = 10.0
"""Seconds for what a run that is ended has to write."""


class Run:
    """task: that runs it. why: it is ended. over: it has ended by itself, and its last words are written."""

    def __init__(self, call: KeptCall, journal: Journal, response: KeptResponse) -> None:
        self.call = call
        self.journal = journal
        self.response = response
        self.task: asyncio.Task[None] | None = None
        self.why: Literal["", "cancelled", "stopped"] = ""
        self.over = asyncio.Event()

    def end(self, why: Literal["cancelled", "stopped"]) -> None:
        if self.over.is_set() or self.why:
            return
        self.why = why
        if self.task is not None:
            self.task.cancel()


class Runs(Lifespan):
    """Of one worker."""

    scope = "worker"

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._runs: dict[str, Run] = {}

    async def start(self) -> None:
        return

    async def stop(self) -> None:
        tasks = []
        for run in list(self._runs.values()):
            run.end("stopped")
            tasks.append(run.task)
        running = [task for task in tasks if task is not None]
        if running:
            await asyncio.wait(running, timeout=LAST_WORDS)

    def cancel(self, response_id: str) -> None:
        """Where it runs here; elsewhere it is noticed."""
        run = self._runs.get(response_id)
        if run is not None:
            run.end("cancelled")

    async def begin(self, call: KeptCall, sink: Sink, finish: Finish) -> None:
        """Raises Unavailable while nothing runs."""
        exchange, kept = call.exchange, self._kept
        response = _queued(call)
        if not await kept.responses.put(response):
            raise Unavailable("The response could not be kept; try again.")
        streams = exchange.envelope.stream
        exchange.envelope = msgspec.structs.replace(exchange.envelope, stream=True)
        run = self._runs[response.id] = Run(call, Journal(kept, response, call.plan.told), response)
        exchange.detached = True
        if exchange.serving is not None:
            exchange.serving.begin()
        run.task = asyncio.create_task(self._run(run, finish))
        headers = exchange.identity
        if not streams:
            await sink.whole(200, headers | {"Content-Type": "application/json"}, response.reply)
            return
        try:
            await follow(sink, kept, response, -1, headers)
        except GatewayError:  # the store is away: the client sees that it was cut, and may come back
            sink.abort()

    async def _run(self, run: Run, finish: Finish) -> None:
        exchange = run.call.exchange
        writing = asyncio.create_task(self._write(run))
        try:
            await finish(exchange, run.journal)
        except asyncio.CancelledError:
            pass
        except ClientGone:
            run.journal.abort()
        finally:
            run.over.set()
            await writing
            await self._end(run)
            self._runs.pop(run.response.id, None)
            if exchange.serving is not None:
                exchange.serving.end()

    async def _write(self, run: Run) -> None:
        """What waits goes to the store as it comes; without any, that the run goes on. A run that is under way no more
        for the store is ended.
        """
        journal, kept = run.journal, self._kept
        loop = asyncio.get_running_loop()
        said = loop.time()
        await self._look(run)
        while not run.over.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK):
                    await run.over.wait()
            try:
                if journal.waiting or loop.time() - said > kept.settings.silence / 4:
                    status = await journal.flush()
                    said = loop.time()
                else:
                    status = await kept.responses.status(run.response.id)
            except GatewayError as error:
                kept.log.warning("the run %s cannot be written: %s", run.response.id, error.public)
                continue
            if status not in UNDER_WAY:
                run.end("cancelled")
                return

    async def _look(self, run: Run) -> None:
        with contextlib.suppress(GatewayError):
            await run.journal.flush()

    async def _end(self, run: Run) -> None:
        """What it came to, where nobody said before that it was cancelled."""
        journal, kept = run.journal, self._kept
        if run.why == "cancelled":
            journal.ended_as("cancelled", {})
        elif run.why == "stopped":
            journal.fail("server_shutdown", "The gateway was stopped while this response was under way; ask again.")
        else:
            journal.fail("server_error", "The run ended without a reply.")
        for again in range(TRIES):
            try:
                await self._last_words(run)
                return
            except GatewayError as error:
                kept.log.error("what the run %s came to cannot be written: %s", run.response.id, error.public)
                await asyncio.sleep(again)

    async def _last_words(self, run: Run) -> None:
        """Raises Unavailable."""
        journal = run.journal
        assert journal.final is not None
        status, reply = journal.final
        if journal.waiting:
            await journal.flush()
        response = run.call.response(reply, status)
        done = await self._kept.responses.finish(msgspec.structs.replace(response, id=run.response.id))
        if done == status and status in ("completed", "incomplete"):
            await run.call.joined(reply)


def _queued(call: KeptCall) -> KeptResponse:
    exchange = call.exchange
    asked = Call(model=exchange.envelope.model or (exchange.route.name if exchange.route else ""))
    started = Started(created=int(call.kept.now()))
    whole = resource(asked, exchange.inbound.body, started, knows_openai_only(exchange.inbound))
    whole.status = "queued"
    reply = encode(members(encode(whole)) | call.plan.told)
    response = call.response(reply, "queued")
    return msgspec.structs.replace(response, beat=call.kept.now())


def lost(response: KeptResponse) -> KeptResponse:
    """A run whose worker is gone."""
    error = {"code": "server_error", "message": "The gateway's process that ran this response is gone; ask again."}
    more = {"status": raw("failed"), "error": raw(error)}
    return msgspec.structs.replace(response, status="failed", reply=encode(members(response.reply) | more))
