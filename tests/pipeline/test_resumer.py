"""Streams that may be taken up again: what a lost client, a store that is away, and a drain make of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway import KeptStream, Owner, Streams, Unavailable
from gateway.pipeline import resuming
from gateway.settings import Core
from gateway.settings.core import StreamSettings, TimeoutSettings
from gateway.testing.fake_upstream import FakeUpstream, stream
from gateway.testing.stores import store_in

ASK = {"X-Gateway-Resumable": "true"}
FIRST, LAST = b'data: {"text":"He"}\n\n', b'data: {"end":"stop"}\n\n'


class Away:
    """A store's streams, whose every call fails while `away` is set."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self.away = False

    def __getattr__(self, name: str) -> Any:
        found: Callable[..., Awaitable[Any]] = getattr(self._streams, name)

        async def call(*given: Any) -> Any:
            if self.away:
                raise Unavailable("The store is away.")
            return await found(*given)

        return call


@pytest.fixture
async def streams(tmp_path: Path) -> AsyncIterator[Any]:
    store = store_in(tmp_path)
    await store.open()
    assert store.streams is not None
    yield Away(store.streams)
    await store.close()


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as upstream:
        yield upstream


async def begun(running: Any, ask: Any, **headers: str) -> tuple[Any, str]:
    """A stream of which the first event has come, and where it is taken up again."""
    reply = await running.client.post(running.url + "/v1/toy", data=ask(stream=True), headers=headers)
    assert reply.status == 200
    assert FIRST in await reply.content.readuntil(b"\n\n")
    return reply, running.url + reply.headers.get("X-Gateway-Resume", "")


async def until(there: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while True:
            if await there():
                return
            await asyncio.sleep(0.01)


async def test_with_nobody_there_it_ends_after_the_window(
    start: Any, at: Any, ask: Any, upstream: Any, streams: Any
) -> None:
    upstream.answer("/toy", stream(FIRST, asyncio.Event(), silent=True))
    core = Core(streams=StreamSettings(window=0.2))
    running = await start(at(upstream.url), core=core, streams=streams)
    reply, _ = await begun(running, ask, **ASK)
    arrived = await upstream.arrival()
    assert running.records == []
    reply.close()
    await asyncio.wait_for(arrived.gone.wait(), 20)
    await asyncio.wait_for(running.settled.wait(), 20)
    assert [record.outcome for record in running.records] == ["client_gone"]


async def test_for_as_long_as_somebody_reads_it_again_it_goes_on(
    start: Any, at: Any, ask: Any, upstream: Any, streams: Any
) -> None:
    held = asyncio.Event()
    upstream.answer("/toy", stream(FIRST, held, LAST))
    running = await start(at(upstream.url), core=Core(streams=StreamSettings(resumable="always")), streams=streams)
    reply, path = await begun(running, ask)
    reply.close()
    async with running.client.get(path) as again:
        assert await again.content.readuntil(b"\n\n") == b"id: 0\n" + FIRST
        held.set()
        assert (await again.read()).startswith(b"id: 1\n" + LAST)
    await asyncio.wait_for(running.settled.wait(), 20)
    assert [record.outcome for record in running.records] == ["complete"]


async def test_while_the_store_is_away_a_stream_is_one_like_any_other(
    start: Any, at: Any, ask: Any, upstream: Any, streams: Any
) -> None:
    upstream.answer("/toy", stream(FIRST, asyncio.Event(), silent=True))
    running = await start(at(upstream.url), streams=streams)
    streams.away = True
    reply, _ = await begun(running, ask, **ASK)
    assert "X-Gateway-Resume" not in reply.headers
    arrived = await upstream.arrival()
    reply.close()
    await asyncio.wait_for(arrived.gone.wait(), 20)


async def test_a_store_that_goes_away_takes_nothing_from_the_client_and_gets_all_when_it_is_back(
    start: Any, at: Any, ask: Any, upstream: Any, streams: Any
) -> None:
    held = asyncio.Event()
    upstream.answer("/toy", stream(FIRST, held, LAST))
    running = await start(at(upstream.url), streams=streams)
    reply, path = await begun(running, ask, **ASK)
    streams.away = True
    held.set()
    assert LAST in await reply.read()
    async with running.client.get(path) as refused:
        assert refused.status == 503
    streams.away = False

    async def there() -> bool:
        async with running.client.get(path) as again:
            return LAST in await again.read()

    await until(there)


async def test_a_client_that_leaves_before_the_stream_begins_ends_it(
    start: Any, at: Any, ask: Any, upstream: Any, streams: Any
) -> None:
    upstream.answer("/toy", stream(asyncio.Event(), silent=True))
    running = await start(at(upstream.url), streams=streams)
    asking = asyncio.create_task(running.client.post(running.url + "/v1/toy", data=ask(stream=True), headers=ASK))
    arrived = await upstream.arrival()
    asking.cancel()
    await asyncio.wait_for(arrived.gone.wait(), 20)


async def test_one_whose_worker_is_gone_was_cut(
    start: Any, at: Any, upstream: Any, streams: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = await start(at(upstream.url), streams=streams)
    monkeypatch.setattr(resuming, "SECOND_LOOK", 0.0)
    times = {"created": 1.0, "expires": time.time() + 99, "beat": 1.0, "heard": 1.0}
    gone = KeptStream(id="ex_gone", owner=Owner("u1"), model="far/m", media="text/event-stream", **times)
    await streams.put(gone)
    path = running.url + "/v1/streams/ex_gone"
    async with running.client.get(path) as refused:
        assert (refused.status, (await refused.json())["error"]["code"]) == (409, "stream_cut")
    assert await streams.status("ex_gone") == "failed"


async def test_a_drain_waits_and_then_cuts_it(start: Any, at: Any, ask: Any, upstream: Any, streams: Any) -> None:
    upstream.answer("/toy", stream(FIRST, asyncio.Event(), silent=True))
    core = Core(timeouts=TimeoutSettings(drain=0.2))
    running = await start(at(upstream.url), core=core, streams=streams)
    reply, path = await begun(running, ask, **ASK)
    reply.close()
    assert not await running.server.drain()
    assert [record.outcome for record in running.records] == ["client_gone"]
    name = path.rpartition("/")[2]
    assert await streams.status(name) == "failed"
