"""A gateway in this process: the core with toy dialects, a real server socket and real upstream sockets."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

import aiohttp
import msgspec
import pytest

from gateway import (
    Authenticator,
    Credential,
    Directory,
    Egress,
    HttpProvider,
    Inbound,
    Meter,
    Outgoing,
    Permission,
    Principal,
    Provider,
    RouteSpec,
    Secret,
    ServerDialect,
    Services,
    Streams,
    Timeouts,
    Unauthenticated,
    UsageRecord,
)
from gateway.pipeline import Pipeline
from gateway.pipeline.attempt import Sender
from gateway.pipeline.breakers import Breakers
from gateway.pipeline.compile import Assembly
from gateway.pipeline.dispatch import dispatcher
from gateway.pipeline.endpoints import Endpoints
from gateway.pipeline.fidelity import Fidelity
from gateway.pipeline.named import NamedRoutes
from gateway.pipeline.resumer import Resumer
from gateway.pipeline.resuming import Resuming
from gateway.pipeline.retry import Timing
from gateway.pipeline.userkeys import Keyring
from gateway.plugins import Registry
from gateway.router import Router
from gateway.server import HttpServer
from gateway.settings import Core
from gateway.sockets import bind
from gateway.testing.toy import ToyClient, ToyServer
from gateway.upstream import HttpUpstream

ADMIN = Principal(user_id="u1", role="ADMIN", name="root", key_id="k1")
READER = Principal(user_id="u2", role="USER", name="reader", key_id="k2")
BEARER = {"Authorization": "Bearer admin"}


class Passwords(Authenticator):
    """`admin` and `reader` are their own keys."""

    async def authenticate(self, inbound: Inbound, credential: Credential | None) -> Principal | None:
        if credential is None:
            return None
        known = {Secret("admin"): ADMIN, Secret("reader"): READER}
        if credential.secret not in known:
            raise Unauthenticated("The API key is not valid.")
        return known[credential.secret]


class Recorder(Meter):
    def __init__(self) -> None:
        self.records: list[UsageRecord] = []
        self.settled = asyncio.Event()

    def record(self, record: UsageRecord) -> None:
        self.records.append(record)
        self.settled.set()


class At(HttpProvider):
    """A toy upstream at an address."""

    dialects = ("toy",)

    def __init__(self, base: str, endpoint: str = "far", models: Sequence[str] = ("m",)) -> None:
        self.endpoint = endpoint
        self.base = base
        self.names = models

    async def models(self) -> Sequence[str]:
        return self.names

    def url(self, outgoing: Outgoing) -> str:
        return self.base + outgoing.encoded.path

    async def headers(self, outgoing: Outgoing) -> Mapping[str, str]:
        return {"Authorization": "Bearer upstream-secret"}


@dataclass
class Running:
    """url: of the server. records: of settled exchanges. client: an aiohttp session with the admin's key.

    settled: set by every exchange that ends.
    """

    url: str
    server: HttpServer
    records: list[UsageRecord]
    client: aiohttp.ClientSession
    upstream: HttpUpstream
    settled: asyncio.Event
    extra: dict[str, object] = field(default_factory=dict)


Start = Callable[..., Awaitable[Running]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """`await start(*providers, core=…, permissions=…, directories=…, routes=…, timeouts=…, streams=…)`."""
    async with AsyncExitStack() as stack:

        async def go(
            *providers: Provider,
            core: Core | None = None,
            permissions: Sequence[Permission] = (),
            directories: Sequence[Directory] = (),
            routes: Sequence[RouteSpec] = (),
            timeouts: Timeouts | None = None,
            timing: Timing | None = None,
            streams: Streams | None = None,
            dialect: ServerDialect | None = None,
        ) -> Running:
            core = core or Core()
            upstream = HttpUpstream(Egress(), timeouts or Timeouts(5, 5, 5))
            stack.push_async_callback(upstream.close)
            recorder = Recorder()
            assembly = _assembly(core, upstream, providers, permissions, directories, routes, recorder, timing, streams)
            if dialect is not None:
                assembly = replace(assembly, router=Router((dialect,), routes))
            server = HttpServer(assembly)
            sock = bind("127.0.0.1", 0)
            await server.start(sock, None)

            async def stop() -> None:
                if not server.draining:
                    await server.drain()

            stack.push_async_callback(stop)
            client = await stack.enter_async_context(aiohttp.ClientSession(headers=BEARER))
            host, port = sock.getsockname()
            return Running(f"http://{host}:{port}", server, recorder.records, client, upstream, recorder.settled)

        yield go


def _assembly(
    core: Core,
    upstream: HttpUpstream,
    providers: Sequence[Provider],
    permissions: Sequence[Permission],
    directories: Sequence[Directory],
    routes: Sequence[RouteSpec],
    recorder: Recorder,
    timing: Timing | None,
    streams: Streams | None,
) -> Assembly:
    endpoints = {provider.endpoint: provider for provider in providers}
    services = Services(upstream, Egress(), None, time.time, logging.getLogger("test"), endpoints=endpoints)
    breakers = Breakers.of(services.state)
    breakers.clock = timing.now if timing else time.monotonic
    exchange_scope = [rule for rule in permissions if rule.scope == "exchange"]
    attempt_scope = [rule for rule in permissions if rule.scope == "attempt"]
    sender = Sender(upstream, {"toy": ToyClient()}, attempt_scope, Fidelity(core.fidelity), Keyring(None, None))
    named = NamedRoutes(core, endpoints, breakers, ())
    resumer = streams and Resumer(streams, core.streams, services.detached, services.clock, services.log)
    pipeline = Pipeline(
        authenticators=(Passwords(),),
        directories=(*directories, named, Endpoints(endpoints, core.models.allow)),
        permissions=exchange_scope,
        dispatcher=dispatcher(core, sender, timing),
        meters=(recorder,),
        resumer=resumer,
    )
    registry = Registry((), None)  # type: ignore[arg-type]
    router = Router((ToyServer(),), [*routes, *(Resuming(resumer).routes() if resumer else ())])
    services.detached.bind(router, pipeline)
    return Assembly(core, registry, services, pipeline, router, (), ())


def asked(model: str = "far/m", text: str = "Hi", stream: bool = False) -> bytes:
    return msgspec.json.encode({"model": model, "text": text, "stream": stream})


@pytest.fixture
def ask() -> Callable[..., bytes]:
    """The body of a toy call: `ask(model="far/m", text="Hi", stream=False)`."""
    return asked


@pytest.fixture
def at() -> type[At]:
    """A provider for a toy upstream: `at(url, endpoint="far", models=("m",))`."""
    return At
