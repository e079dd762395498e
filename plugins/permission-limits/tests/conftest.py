"""Time that a test decides; counters of several processes over one file; exchanges to be limited."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from gateway_permission_limits.local import LocalCounters
from gateway_permission_limits.memory import Clock, Shape

from gateway import MOUNT, Attempt, Edit, Envelope, Exchange, Inbound, Operation, Principal, Route, Target
from gateway.testing.toy import ToyServer

LEASE = 8_000_000


class Time:
    """Seconds since the machine's start, and the wall clock's; they go on by `pass_` alone."""

    def __init__(self) -> None:
        self.monotonic, self.wall = 1000.0, 1_700_000_000.0

    def pass_(self, seconds: float) -> None:
        self.monotonic += seconds
        self.wall += seconds

    @property
    def clock(self) -> Clock:
        return Clock(lambda: round(self.monotonic * 10**9), lambda: round(self.wall * 10**9))


@pytest.fixture
def time() -> Time:
    return Time()


Opened = Callable[..., Awaitable[LocalCounters]]


@pytest.fixture
async def opened(tmp_path: Path, time: Time) -> AsyncIterator[Opened]:
    """`await opened()`: the counters of another process; `directory=None` for those of one alone."""
    async with AsyncExitStack() as stack:

        async def go(
            directory: Path | None = tmp_path, callers: int = 1024, lease: int = LEASE, boot: int = 1
        ) -> LocalCounters:
            found = LocalCounters(directory, Shape(callers, lease), boot, logging.getLogger("test"), time.clock)
            await found.open()
            stack.push_async_callback(found.close)
            return found

        yield go


class Far:
    """What a target's provider is to a limit: nothing."""

    endpoint = "far"


def exchanged(
    kind: str = "generate",
    path: str = "/toy",
    body: bytes = b"",
    peer: str = "192.0.2.1",
    agent: str = "",
    max_output: int | None = None,
    choices: int = 1,
    **principal: Any,
) -> Exchange:
    async def receive() -> bytes:
        return body

    inbound = Inbound(Operation(kind, "POST", path), MOUNT, {}, {}, {}, peer, receive, body)  # type: ignore[arg-type]
    who = Principal(**{"user_id": "u1", "key_id": "k1", "key_label": "laptop", "name": "Ada", **principal})
    route = Route("smart", (), Edit("m"), agent=agent)
    envelope = Envelope("smart", max_output=max_output, choices=choices)
    return Exchange(inbound, ToyServer(), principal=who, route=route, envelope=envelope)


@pytest.fixture
def asked() -> Callable[..., Exchange]:
    """An exchange at the step of permissions: `asked(kind="generate", body=b"", peer=…, role=…, key_id=…)`."""
    return exchanged


@pytest.fixture
def tried() -> Callable[..., Attempt]:
    """`tried(exchange, "far", "m")`: an attempt of it."""

    def attempt(exchange: Exchange, endpoint: str = "far", model: str = "m") -> Attempt:
        found = Attempt("at_1", Target(provider=Far(), endpoint=endpoint, model=model))  # type: ignore[arg-type]
        exchange.attempts.append(found)
        return found

    return attempt
