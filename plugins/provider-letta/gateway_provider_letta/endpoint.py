"""LettaProvider: a call to an agent of a Letta server, which has tools, a memory and a model of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing

from gateway import (
    Call,
    Event,
    EventProvider,
    Exchange,
    Finding,
    Secret,
    Services,
    Settings,
    UpstreamRefused,
)
from gateway.endpoint import Unusable
from gateway.endpoint.reading import address, resolved
from gateway.wire.losses import Loss

from .app_server import AppServer
from .conversations import talk_of
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

    async def run(self, call: Call, exchange: Exchange) -> AsyncIterator[Event]:
        assert self._server is not None
        assert self._roster is not None
        exchange.attempts[-1].credentials = self._server.proof
        agent = await self._agent(self._roster, call.model)
        talk = talk_of(call, exchange, self.endpoint, self._keeping)
        loss = Loss()
        async with aclosing(self._server.run(agent, call, talk, loss)) as events:
            async for event in events:
                _tell(exchange, loss)
                yield event

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


def _tell(exchange: Exchange, loss: Loss) -> None:
    if loss.paths:
        exchange.loss.extend(path for path in loss.paths if path not in exchange.loss)
        loss.paths.clear()


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
