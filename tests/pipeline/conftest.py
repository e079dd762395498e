"""Time and chance that a test decides; routes of toy upstreams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.pipeline.retry import Timing
from gateway.settings import Core
from gateway.settings.routes import RouteSettings, TargetSettings
from gateway.testing.fake_upstream import FakeUpstream


@dataclass
class Nature:
    """time: goes on by sleeping alone. lot: what is drawn next, the last one again and again. held: sleeps for ever."""

    time: float = 1000.0
    lots: list[float] = field(default_factory=lambda: [1.0])
    slept: list[float] = field(default_factory=list)
    asleep: asyncio.Event = field(default_factory=asyncio.Event)
    held: bool = False

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        self.asleep.set()
        if self.held:
            await asyncio.Event().wait()

    def draw(self) -> float:
        return self.lots.pop(0) if len(self.lots) > 1 else self.lots[0]

    @property
    def timing(self) -> Timing:
        return Timing(self.now, self.sleep, self.draw)


@pytest.fixture
def nature() -> Nature:
    return Nature()


@dataclass
class Far:
    """A gateway and the toy upstreams `a`, `b`, … behind its route `smart`."""

    gateway: Any
    upstreams: dict[str, FakeUpstream]
    nature: Nature

    def answer(self, name: str, *scripts: Any) -> None:
        self.upstreams[name].answer("/toy", *scripts)

    def asked(self, name: str) -> int:
        return len(self.upstreams[name].arrived)

    def call(self, body: bytes, **headers: str) -> Any:
        """To be used by `async with`: the reply."""
        return self.gateway.client.post(self.gateway.url + "/v1/toy", data=body, headers=headers)

    @property
    def record(self) -> Any:
        return self.gateway.records[-1]

    @property
    def tried(self) -> list[tuple[str, str]]:
        """Endpoint and outcome of each attempt of the last exchange."""
        return [(attempt.endpoint, attempt.outcome) for attempt in self.record.attempts]


Routed = Callable[..., Awaitable[Far]]


@pytest.fixture
async def routed(start: Any, at: Any, nature: Nature) -> AsyncIterator[Routed]:
    """`await routed("a", "b", core={…}, retries=0, …)`: a gateway with the route `smart` over these endpoints."""
    async with AsyncExitStack() as stack:

        async def go(*names: str, core: dict[str, Any] | None = None, kind: Any = None, **options: Any) -> Far:
            upstreams = {name: await stack.enter_async_context(FakeUpstream()) for name in names}
            providers = [(kind or at)(upstream.url, name) for name, upstream in upstreams.items()]
            given = {"retries": 0, "targets": tuple(TargetSettings(f"{name}/m") for name in names), **options}
            settings = Core(routes=(RouteSettings(name="smart", **given),), **(core or {}))
            gateway = await start(*providers, core=settings, timing=nature.timing)
            return Far(gateway, upstreams, nature)

        yield go


@pytest.fixture
def smart(ask: Any) -> Callable[..., bytes]:
    """The body of a call to the route: `smart(text="Hi", stream=False)`."""

    def body(**options: Any) -> bytes:
        return bytes(ask(model="smart", **options))

    return body
