"""Calls without a connection are whole exchanges: let in, recorded, waited for, and cut when there is no time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from multidict import CIMultiDict

from gateway import Detached, Inbound, NotFound, Unavailable
from gateway.settings import Core
from gateway.settings.core import TimeoutSettings
from gateway.testing import replay
from gateway.testing.fake_upstream import FakeUpstream, stream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.toy import ToyServer

REPLY = {"id": "r", "model": "m", "text": "Hello", "usage": {"read": 9, "cached": 0, "wrote": 2}}


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as upstream:
        upstream.answer("/toy", whole(REPLY))
        yield upstream


@pytest.fixture
def asker() -> Inbound:
    """Who asks, with a key; what else they asked for is no matter."""
    inbound = replay.inbound(ToyServer(), b"a question")
    inbound.headers = CIMultiDict({"Authorization": "Bearer admin"})
    return inbound


@pytest.fixture
async def running(start: Any, at: Any, upstream: FakeUpstream) -> Any:
    return await start(at(upstream.url), core=Core(timeouts=TimeoutSettings(drain=0.2)))


def detached(running: Any) -> Detached:
    found: Detached = running.server.assembly.services.detached
    return found


async def test_it_ends_with_what_the_client_would_have_read(running: Any, asker: Inbound, ask: Any) -> None:
    got = await detached(running).begin(asker, "/v1/toy", ask())
    assert (got.status, got.cut, json.loads(got.body)["text"]) == (200, False, "Hello")
    assert got.headers["Content-Type"] == "application/json"
    [record] = running.records
    assert (record.user_id, record.outcome, record.usage.output) == ("u1", "complete", 2)
    assert record.peer == asker.peer


async def test_an_error_is_told_in_the_dialects_words(running: Any, asker: Inbound, ask: Any) -> None:
    asker.headers = CIMultiDict({"Authorization": "Bearer nobody"})
    got = await detached(running).begin(asker, "/v1/toy", ask())
    assert got.status == 401
    assert "error" in json.loads(got.body)
    asker.headers = CIMultiDict({"Authorization": "Bearer admin"})
    got = await detached(running).begin(asker, "/v1/toy", ask(model="near/o"))
    assert (got.status, running.records[-1].outcome) == (404, "refused")


async def test_a_stream_is_gathered_and_one_that_broke_says_so(
    running: Any, asker: Inbound, ask: Any, upstream: FakeUpstream
) -> None:
    upstream.answer("/toy", stream(b'data: {"text":"He"}\n\n', b'data: {"end":"stop"}\n\n'))
    got = await detached(running).begin(asker, "/v1/toy", ask(stream=True))
    assert (got.cut, got.body.startswith(b'data: {"text":"He"}')) == (False, True)
    upstream.answer("/toy", stream(b'data: {"text":"He"}\n\n'))
    got = await detached(running).begin(asker, "/v1/toy", ask(stream=True))
    assert (got.cut, running.records[-1].outcome) == (True, "broken")


async def test_what_is_served_nowhere_is_refused_at_once(running: Any, asker: Inbound) -> None:
    with pytest.raises(NotFound):
        detached(running).begin(asker, "/v1/nowhere", b"{}")
    assert detached(running).running == 0


async def test_before_the_start_nothing_can_be_called(asker: Inbound) -> None:
    with pytest.raises(Unavailable):
        Detached().begin(asker, "/v1/toy", b"{}")


async def test_the_server_waits_for_it(start: Any, at: Any, upstream: FakeUpstream, asker: Inbound, ask: Any) -> None:
    held = asyncio.Event()
    upstream.answer("/toy", stream(held, json.dumps(REPLY).encode(), content_type="application/json"))
    running = await start(at(upstream.url))
    task = detached(running).begin(asker, "/v1/toy", ask())
    await upstream.arrival()
    assert running.server.running == 1
    draining = asyncio.create_task(running.server.drain())
    await asyncio.sleep(0)
    held.set()
    assert await draining
    assert task.done()
    assert task.result().status == 200
    assert running.server.running == 0


async def test_without_time_it_is_cut_settled_and_its_upstream_let_go(
    running: Any, asker: Inbound, ask: Any, upstream: FakeUpstream
) -> None:
    upstream.answer("/toy", stream(asyncio.Event(), silent=True))
    task = detached(running).begin(asker, "/v1/toy", ask())
    arrived = await upstream.arrival()
    assert not await running.server.drain()
    assert task.cancelled()
    await asyncio.wait_for(arrived.gone.wait(), 20)
    assert [record.outcome for record in running.records] == ["client_gone"]
