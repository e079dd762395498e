"""LettaProvider: a call to an agent of a Letta server, which has tools, a memory and a model of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing

import msgspec

from gateway import (
    BlockStart,
    Call,
    Event,
    EventProvider,
    Exchange,
    Finding,
    Idle,
    Secret,
    Services,
    Settings,
    ToolCall,
    UpstreamRefused,
)
from gateway.endpoint import Unusable
from gateway.endpoint.reading import address, resolved
from gateway.wire import rounds

from .app_server import AppServer
from .conversations import Talk, talk_of
from .rest import RestServer
from .roster import Roster
from .section import Options
from .server import LettaServer

PATH = "gateway.provider-letta"


class LettaProvider(EventProvider):
    """open: while nobody knows which agents there are, any name is asked for, and the server's failure is told."""

    kind = "custom"

    def __init__(self, options: Options, services: Services, server: LettaServer | None, wrong: Finding | None) -> None:
        """server: None where the settings cannot be used; `wrong` says why."""
        self.endpoint = options.name
        self._keeping = options.conversations
        self._server = server
        self._roster = Roster(server, options, services) if server is not None else None
        self._findings = [] if wrong is None else [wrong]
        self.open = server is not None and not options.agents
        self.unavailable = None if wrong is None else f"{wrong.path}: {wrong.what}"

    def findings(self) -> Sequence[Finding]:
        return self._findings

    async def models(self) -> Sequence[str]:
        return tuple(await self._agents(self._roster)) if self._roster is not None else ()

    def loss(self, call: Call, exchange: Exchange) -> Sequence[str]:
        assert self._server is not None
        return self._server.loss(self._new_in(call), self._talk(call, exchange)).paths

    async def run(self, call: Call, exchange: Exchange) -> AsyncIterator[Event | Idle]:
        assert self._server is not None
        assert self._roster is not None
        exchange.attempts[-1].credentials = self._server.proof
        agent = await self._agent(self._roster, call.model)
        run = self._server.run(agent, self._new_in(call), self._talk(call, exchange))
        async with aclosing(run) as events:
            async for event in events:
                if isinstance(event, BlockStart) and isinstance(event.block, ToolCall):
                    event.block.server = self.endpoint
                yield event

    def _talk(self, call: Call, exchange: Exchange) -> Talk:
        return talk_of(call, exchange, self.endpoint, self._keeping)

    def _new_in(self, call: Call) -> Call:
        """Without what an agent here did itself."""
        return msgspec.structs.replace(call, messages=rounds.known(call.messages, self.endpoint))

    async def _agents(self, roster: Roster) -> Mapping[str, str]:
        agents = await roster.agents()
        self.open = roster.failure is not None and not agents
        return agents

    async def _agent(self, roster: Roster, model: str) -> str:
        """By its name here, or by its id. Raises GatewayError."""
        agents = await self._agents(roster)
        if model in agents:
            return agents[model]
        if model in agents.values():
            return model
        if roster.failure is not None:
            raise roster.failure
        raise UpstreamRefused(f"The Letta server has no agent {model!r}.", 404, code="model_not_found")


def endpoints(settings: Settings, services: Services) -> Sequence[LettaProvider]:
    given = enumerate(settings.many(Options))
    return [_endpoint(f"{PATH}[{number}]", options, settings, services) for number, options in given]


def _endpoint(path: str, options: Options, settings: Settings, services: Services) -> LettaProvider:
    try:
        return LettaProvider(options, services, _server(options, settings, services), None)
    except Unusable as unusable:
        return LettaProvider(options, services, None, unusable.below(path))


def _server(options: Options, settings: Settings, services: Services) -> LettaServer:
    """Raises Unusable."""
    where = address("url", resolved(settings, "url", options.url))
    key = resolved(settings, "key", options.key.reveal())
    if not (key.isascii() and key.isprintable()):
        raise Unusable("key", "it has characters in it that cannot be sent", "correct it")
    if options.api == "app-server" and options.conversations == "agent":
        raise Unusable("conversations", "only `rest` has one that an agent shares with everybody", "write call or user")
    kind = AppServer if options.api == "app-server" else RestServer
    return kind(services.upstream, where, Secret(key), options.patience)
