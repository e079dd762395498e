"""Actions of settings, on the gateway's own connections, and a server for them on loopback."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import gateway_tools_actions
import pytest
import pytest_asyncio
from action_documents import ADA
from gateway_tools_actions.tools import ActionTools

from gateway import Egress, Services, ToolOutcome
from gateway.provider import Timeouts
from gateway.testing import endpoints
from gateway.testing.fake_upstream import FakeUpstream
from gateway.upstream import HttpUpstream

Make = Callable[..., ActionTools]
Call = Callable[..., Awaitable[ToolOutcome]]


@pytest_asyncio.fixture
async def upstream() -> AsyncIterator[HttpUpstream]:
    made = HttpUpstream(Egress(), Timeouts())
    yield made
    await made.close()


@pytest_asyncio.fixture
async def server() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as made:
        yield made


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def actions(upstream: HttpUpstream, clock: Clock) -> Make:
    """Of entries of gateway.tools-actions."""

    def made(*entries: dict[str, Any], environ: dict[str, str] | None = None, **sections: Any) -> ActionTools:
        given = {"version": "1", "gateway": {"tools-actions": list(entries)}, **sections}
        settings = endpoints.settings(gateway_tools_actions, given, environ)
        services = Services(upstream, Egress(), None, clock, logging.getLogger("gateway.plugin"))
        [source] = gateway_tools_actions.register_tools(settings=settings, services=services)
        assert isinstance(source, ActionTools)
        return source

    return made


@pytest.fixture
def call(actions: Make, server: FakeUpstream) -> Call:
    """Of the operation `it` in a document, at the server: what comes of these arguments."""

    async def made(document: dict[str, Any], arguments: dict[str, Any], **entry: Any) -> ToolOutcome:
        environ, sections = entry.pop("environ", None), entry.pop("sections", {})
        given = {"name": "a", "url": server.url, "document": document, **entry}
        source = actions(given, environ=environ, **sections)
        assert not source.findings(), source.findings()
        [tool] = (await source.offer(["it_action_a"], ADA)).tools
        return await source.call(tool, arguments, ADA)

    return made
