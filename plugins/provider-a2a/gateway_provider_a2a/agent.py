"""A2aProvider: an agent as an endpoint with one model, and how a call to it runs."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from urllib.parse import urlsplit

from gateway import (
    ANONYMOUS,
    Address,
    Call,
    Event,
    EventProvider,
    Exchange,
    Finding,
    GatewayError,
    HeaderTemplates,
    Principal,
    Services,
    Settings,
    Target,
    Timeouts,
    Unavailable,
    UpstreamBroken,
)
from gateway.endpoint import Unusable
from gateway.endpoint.reading import address, header_templates, resolved
from gateway.wire.jsontext import Members

from . import eras
from .answer import Answer
from .card import Card, Place, place_of
from .cards import Cards
from .conversation import Thread, Threads
from .question import Question, question
from .rpc import Rpc
from .section import A2aAgent
from .security import BEARER, proof_of
from .told import WAITING, Result, Told

CONNECT = 10.0
PAUSES = (0.5, 1.0, 2.0, 5.0)
"""Seconds between questions about a task that still runs; the last one counts for all that follow."""
CANCELING = 10.0
"""Seconds for telling an agent that nobody waits for its task."""


class A2aProvider(EventProvider):
    """path: `gateway.provider-a2a[n]`. Before `set_up` it has no address and must not be called."""

    kind = "custom"
    continues = True

    def __init__(self, path: str, name: str, entry: A2aAgent, services: Services) -> None:
        self.path, self.endpoint = path, name
        self._entry, self._services = entry, services
        self._findings: list[Finding] = []
        self._canceling: set[asyncio.Task[None]] = set()
        self._address: Address
        self._rpc: Address | None = None
        self._headers: HeaderTemplates
        self._key = ""
        self._cards: Cards
        self._threads: Threads

    async def models(self) -> Sequence[str]:
        return (self.endpoint,)

    def target(self, model: str) -> Target:
        return Target(provider=self, endpoint=self.endpoint, model=model, state_domain=self.endpoint)

    def findings(self) -> Sequence[Finding]:
        return self._findings

    def refuse(self, unusable: Unusable) -> None:
        """It answers 503 from now on, with the reason."""
        self.unavailable = str(unusable)
        self._findings.append(unusable.below(self.path))

    def set_up(self, settings: Settings) -> None:
        """Make ready what the entry says; where that cannot be, say why."""
        entry = self._entry
        try:
            self._address = address("url", resolved(settings, "url", entry.url))
            self._rpc = address("rpc", resolved(settings, "rpc", entry.rpc)) if entry.rpc else None
            self._key = resolved(settings, "key", entry.key.reveal())
            self._headers = header_templates(settings, "headers", entry.headers, {}, {})
        except Unusable as unusable:
            self.refuse(unusable)
            return
        proof = {BEARER: f"Bearer {self._key}"} if self._key else {}
        headers = {**proof, **self._headers.fill(ANONYMOUS)}
        self._cards = Cards(self._services.upstream, self._address, headers)
        self._threads = Threads(self.endpoint, self._key)

    def loss(self, call: Call, exchange: Exchange) -> Sequence[str]:
        return question(call, self._threads.names(call)).loss

    async def run(self, call: Call, exchange: Exchange) -> AsyncGenerator[Event]:
        """What goes wrong before the agent says that it works is raised before the first event."""
        thread = self._threads.of(call, exchange.principal)
        card = await self._cards.get()
        rpc = self._rpc_of(card, exchange)
        thread = await self._open(rpc, thread)
        asked = question(call, thread.context is not None)
        answer = Answer(call.model)
        try:
            async with aclosing(self._events(rpc, card, call, asked, thread, answer, exchange)) as events:
                async for event in events:
                    yield event
        finally:
            exchange.loss.extend(answer.loss.paths)
            if task := answer.runs:
                self._cancel(rpc, task)

    async def _events(
        self,
        rpc: Rpc,
        card: Card,
        call: Call,
        asked: Question,
        thread: Thread,
        answer: Answer,
        exchange: Exchange,
    ) -> AsyncGenerator[Event]:
        principal = exchange.principal
        parts = [eras.part(rpc.place.era, piece) for piece in asked.pieces]
        said = eras.message(rpc.place.era, str(uuid.uuid4()), parts, thread.context, thread.task)
        parameters = eras.asking(rpc.place.era, said, rpc.place.tenant)
        async with aclosing(_results(rpc, card, parameters)) as results:
            async for result in results:
                for event in self._take(result, answer, principal):
                    yield event
                if answer.done:
                    break
        async with aclosing(self._awaited(rpc, answer, principal)) as events:
            async for event in events:
                yield event
        for event in answer.finish(self._identity(answer, principal)):
            yield event

    async def _awaited(self, rpc: Rpc, answer: Answer, principal: Principal) -> AsyncGenerator[Event]:
        """A task that has neither ended nor asked for something is asked about until it has."""
        pauses = iter(PAUSES)
        pause = next(pauses)
        while not answer.done:
            task = answer.thread.task
            if not task:
                raise UpstreamBroken("The agent ended its reply before it was complete.")
            await asyncio.sleep(pause)
            pause = next(pauses, pause)
            for event in self._take(
                await rpc.ask(rpc.words.get, eras.about(task, rpc.place.tenant)), answer, principal
            ):
                yield event

    def _take(self, result: Result, answer: Answer, principal: Principal) -> list[Event]:
        told: Told | None = result.told()
        if told is None:
            return []
        answer.note(told)
        return answer.take(told, self._identity(answer, principal))

    def _identity(self, answer: Answer, principal: Principal) -> str | None:
        return self._threads.write(answer.thread, principal)

    async def _open(self, rpc: Rpc, thread: Thread) -> Thread:
        """With its task only where that waits for an answer: ended ones take none."""
        if thread.task is None:
            return thread
        found = await rpc.ask(rpc.words.get, eras.about(thread.task, rpc.place.tenant))
        status = (found.task.status if found.task is not None else found.status) or None
        return thread if status is not None and status.word in WAITING else Thread(thread.context)

    def _rpc_of(self, card: Card, exchange: Exchange) -> Rpc:
        """A card is the agent's own word: only on its own host can it name where to call and where the key goes."""
        place = place_of(card)
        if self._rpc is not None:
            place = Place(self._rpc.verbatim, place.era, place.tenant)
        elif _origin(place.url) != _origin(self._address.verbatim):
            raise Unavailable(
                f"The card of {self.endpoint} names another host for its JSON-RPC; its operator has to say `rpc: URL`."
            )
        proof = proof_of(card, self._key)
        attempt = exchange.attempts[-1] if exchange.attempts else None
        headers = self._headers.fill(exchange.principal)
        if attempt is not None:
            attempt.credentials = {**headers, **proof.headers, **proof.query}
        timeouts = Timeouts(CONNECT, self._entry.timeout, self._entry.timeout)
        return Rpc(self._services.upstream, place, proof, headers, timeouts)

    def _cancel(self, rpc: Rpc, task: str) -> None:
        """Beside the call, which is at its end."""
        told = asyncio.create_task(self._tell(rpc, task))
        self._canceling.add(told)
        told.add_done_callback(self._canceling.discard)

    async def _tell(self, rpc: Rpc, task: str) -> None:
        try:
            async with asyncio.timeout(CANCELING):
                await rpc.ask(rpc.words.cancel, eras.about(task, rpc.place.tenant))
        except (GatewayError, TimeoutError) as error:
            words = error.public if isinstance(error, GatewayError) else "it did not answer"
            self._services.log.warning("endpoint %s: a task could not be canceled: %s", self.endpoint, words)


async def _results(rpc: Rpc, card: Card, parameters: Members) -> AsyncGenerator[Result]:
    """Streamed wherever the agent can, whatever the client asked for: only so is a task known while it still runs."""
    if not card.capabilities.streaming:
        yield await rpc.ask(rpc.words.send, parameters)
        return
    async with aclosing(rpc.stream(rpc.words.stream, parameters)) as results:
        async for result in results:
            yield result


def _origin(url: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
        return parts.scheme, (parts.hostname or "").lower(), port
    except ValueError:
        return "", "", None
