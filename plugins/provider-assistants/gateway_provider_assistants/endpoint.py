"""AssistantsProvider: assistants as models, each by its id, and how a call to one runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import msgspec

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
    ModelList,
    Principal,
    Services,
    Settings,
    Timeouts,
)
from gateway.endpoint import Unusable
from gateway.wire import rounds

from .answer import Answer
from .api import Api
from .kinds import Kind, address_of, headers_of
from .owners import Owners
from .passed import Passed
from .question import lost, question
from .section import Assistants
from .server import NAME
from .tickets import Tickets

CONNECT = 10.0
LEAVING = 10.0
"""Seconds for telling the upstream that nobody waits for a run, or needs its thread."""


class AssistantsProvider(EventProvider):
    """Before `set_up` it has no address and must not be called."""

    continues = True

    def __init__(self, kind: Kind, section: Assistants, services: Services) -> None:
        self.endpoint = self.kind = kind.name
        self._path = kind.path
        self._section, self._services = section, services
        self._findings: list[Finding] = []
        self._leaving: set[asyncio.Task[None]] = set()
        self._list: ModelList | None = None
        self._base: Address
        self._headers: HeaderTemplates
        self._tickets: Tickets

    async def models(self) -> Sequence[str]:
        return await self._list.names() if self._list is not None else ()

    def findings(self) -> Sequence[Finding]:
        return self._findings

    def loss(self, call: Call, exchange: Exchange) -> Sequence[str]:
        return lost(self._new_in(call))

    def _new_in(self, call: Call) -> Call:
        """Without what the API ran itself."""
        return msgspec.structs.replace(call, messages=rounds.known(call.messages, self.endpoint))

    async def run(self, call: Call, exchange: Exchange) -> AsyncGenerator[Event]:
        if call.dialect == NAME:
            async for event in self._pass(call, exchange):
                yield event
            return
        principal = exchange.principal
        asked = question(self._new_in(call), call.model, self._tickets, principal)
        api = self._api(exchange)
        answer = Answer(call.model, self._tickets, principal, self.endpoint)
        answer.thread, answer.run = asked.thread, asked.run
        try:
            async with aclosing(api.stream(asked.path, asked.body)) as events:
                async for name, payload in events:
                    for event in answer.take(name, payload):
                        yield event
                    if answer.done:
                        break
            for event in answer.finish():
                yield event
        finally:
            exchange.loss.extend(answer.loss.paths)
            self._leave(api, answer, keep=_kept(call) or asked.thread is not None)

    async def _pass(self, call: Call, exchange: Exchange) -> AsyncGenerator[Event]:
        """A run of a client of the API itself; its thread stays."""
        api = self._api(exchange)
        passed = Passed(api, self.endpoint, call.model, Owners.of(self._services), exchange)
        try:
            async with aclosing(passed.events()) as events:
                async for event in events:
                    yield event
        finally:
            if not passed.done:
                self._leave(api, passed, keep=True)

    async def models_for(self, principal: Principal) -> Sequence[str]:
        """Without those that other users made; one that the caller has just made may not be in the list yet."""
        owners, user = Owners.of(self._services), principal.user_id
        listed = [name for name in await self.models() if owners.allow(self.endpoint, name, user)]
        return [*listed, *(name for name in owners.of_user(self.endpoint, user) if name not in listed)]

    def set_up(self, kind: Kind, settings: Settings) -> None:
        """Make ready what the settings say; where that cannot be, say why."""
        section = self._section
        try:
            self._base = address_of(kind, settings)
            self._headers = headers_of(kind, settings)
            if section.private_assistants:
                what = "whose an assistant is cannot be told here, so none is offered"
                raise Unusable(f"{self._path}.privateAssistants", what, "name those for everybody as `supportedIds`")
        except Unusable as unusable:
            self.unavailable = str(unusable)
            self._findings.append(unusable.of(self._path))
            return
        headers = self._headers.fill(ANONYMOUS)
        self._tickets = Tickets(self.endpoint, headers.get(kind.header, ""))
        url = self._base.url("/assistants", {"limit": "100", "order": "desc"})
        self._list = ModelList.of(self._services, self.endpoint, url, headers, section.supported_ids, self._offered)

    def _offered(self, names: tuple[str, ...]) -> tuple[str, ...]:
        wanted, without = self._section.supported_ids, self._section.excluded_ids
        return tuple(name for name in names if name in (wanted or names) and name not in without)

    def _api(self, exchange: Exchange) -> Api:
        api = self.api_for(exchange.principal)
        if exchange.attempts:
            exchange.attempts[-1].credentials = api.headers
        return api

    def api_for(self, principal: Principal) -> Api:
        headers = self._headers.fill(principal)
        seconds = max(self._section.timeout_ms / 1000, 1.0)
        return Api(self._services.upstream, self._base, headers, Timeouts(CONNECT, seconds, seconds))

    def _leave(self, api: Api, answer: Answer | Passed, keep: bool) -> None:
        """Beside the call, which is at its end: a run that nobody waits for ends, a thread that nobody needs goes."""
        if answer.thread is None or (answer.done and (keep or answer.waits)):
            return
        leaving = asyncio.create_task(self._tell(api, answer, keep))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    async def _tell(self, api: Api, answer: Answer | Passed, keep: bool) -> None:
        thread = f"/threads/{answer.thread}"
        try:
            async with asyncio.timeout(LEAVING):
                if answer.run is not None and not answer.done:
                    (await api.send("POST", f"{thread}/runs/{answer.run}/cancel")).close()
                if not keep:
                    (await api.send("DELETE", thread)).close()
        except (GatewayError, TimeoutError) as error:
            words = error.public if isinstance(error, GatewayError) else "it did not answer"
            self._services.log.warning("endpoint %s: a thread could not be left: %s", self.endpoint, words)


def endpoint(kind: Kind, settings: Settings, services: Services) -> AssistantsProvider:
    provider = AssistantsProvider(kind, settings.one(kind.section), services)
    provider.set_up(kind, settings)
    return provider


def _kept(call: Call) -> bool:
    """A Responses client may send the reply's id back, unless it says that it will not."""
    return call.dialect == "open-responses" and call.state.store is not False
