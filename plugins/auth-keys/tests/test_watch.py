"""What changes in the store reaches every worker; while it cannot be asked, nothing is trusted."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from gateway_auth_keys import watch as watching
from gateway_auth_keys.authenticator import KeyAuthenticator
from gateway_auth_keys.cache import TRUSTED_SECONDS, KeyCache
from gateway_auth_keys.watch import RevisionWatch

from gateway import Credential, Inbound, Principal, Store, Unauthenticated, Unavailable

TEXT = "sk-" + "0123456789abcdef" * 4
LOG = logging.getLogger("gateway.test")
Ask = Callable[[], Any]


class Worker:
    """What one worker has: a cache, its watch, an authenticator."""

    def __init__(self, store: Store, inbound: Inbound, credential: Credential, grace: float = 0.0) -> None:
        self.cache = KeyCache(grace=grace)
        self.watch = RevisionWatch(store, self.cache, LOG)
        self._authenticator = KeyAuthenticator(store, self.cache, time.time)
        self._request = (inbound, credential)

    async def ask(self) -> Principal | None:
        return await self._authenticator.authenticate(*self._request)


@pytest.fixture
async def worker(
    switch: Any, store: Store, inbound: Inbound, shown: Callable[[str], Credential]
) -> AsyncIterator[Worker]:
    worker = Worker(store, inbound, shown(TEXT))
    await worker.watch.start()
    yield worker
    await worker.watch.stop()


@pytest.fixture
async def graceful(
    switch: Any, store: Store, inbound: Inbound, shown: Callable[[str], Credential]
) -> AsyncIterator[Worker]:
    """One that takes known keys for a while without the store."""
    worker = Worker(store, inbound, shown(TEXT), grace=300.0)
    await worker.watch.start()
    yield worker
    await worker.watch.stop()


async def until_raises(ask: Ask, kind: type[Exception]) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                await ask()
            except kind:
                return
            await asyncio.sleep(0.02)


async def test_what_another_process_revokes_stops_working_here(
    worker: Worker, switch: Any, store: Store, other_worker: Store, add_key: Any
) -> None:
    key = await add_key(store, TEXT)
    assert await worker.ask()
    finds = switch.finds
    assert await worker.ask()
    assert switch.finds == finds, "the second answer came from the cache"
    await other_worker.keys.revoke(key.id, time.time())
    await until_raises(worker.ask, Unauthenticated)


async def test_a_key_that_was_unknown_works_once_it_is_made(
    worker: Worker, store: Store, other_worker: Store, add_key: Any
) -> None:
    assert await worker.ask() is None
    await add_key(other_worker, TEXT)
    async with asyncio.timeout(30):
        while await worker.ask() is None:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.02)


async def test_a_store_that_is_down_refuses_and_recovers(
    worker: Worker, switch: Any, store: Store, add_key: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await add_key(store, TEXT)
    assert await worker.ask()
    switch.down = True
    await until_raises(worker.ask, Unavailable)
    assert "cannot be asked" in (worker.watch.failure() or "")
    switch.down = False
    async with asyncio.timeout(30):
        while worker.watch.failure() is not None:  # noqa: ASYNC110 - it says nothing when it changes
            await asyncio.sleep(0.02)
    assert await worker.ask()
    assert len([line for line in caplog.messages if "cannot be asked" in line]) == 1


async def test_known_keys_are_taken_while_the_store_is_away_and_that_is_told(
    graceful: Worker, switch: Any, store: Store, add_key: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await add_key(store, TEXT)
    assert await graceful.ask()
    switch.down = True
    async with asyncio.timeout(30):
        while graceful.watch.warning() is None:  # noqa: ASYNC110 - it says nothing when it changes
            await asyncio.sleep(0.02)
    finds = switch.finds
    await asyncio.sleep(watching.PERIOD + TRUSTED_SECONDS)
    assert await graceful.ask()
    assert switch.finds == finds
    assert graceful.watch.failure() is None
    assert re.search(
        r"cannot be asked: The store is down\.; known ones .* another 29\d s", graceful.watch.warning() or ""
    )
    assert len([line for line in caplog.messages if "known keys are taken for another" in line]) == 1


async def test_what_was_revoked_while_the_store_was_away_stops_once_it_is_back(
    graceful: Worker, switch: Any, store: Store, other_worker: Store, add_key: Any
) -> None:
    key = await add_key(store, TEXT)
    assert await graceful.ask()
    switch.down = True
    async with asyncio.timeout(30):
        while graceful.watch.warning() is None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await other_worker.keys.revoke(key.id, time.time())
    assert await graceful.ask()
    switch.down = False
    await until_raises(graceful.ask, Unauthenticated)
    assert (graceful.watch.failure(), graceful.watch.warning()) == (None, None)


async def test_an_end_of_the_grace_is_told(
    graceful: Worker, switch: Any, store: Store, add_key: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await add_key(store, TEXT)
    graceful.cache.grace = watching.PERIOD * 3
    assert await graceful.ask()
    switch.down = True
    await until_raises(graceful.ask, Unavailable)
    async with asyncio.timeout(30):
        while graceful.watch.failure() is None or len(caplog.messages) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    first, second = [line for line in caplog.messages if "cannot be asked" in line]
    assert "known keys are taken" in first
    assert "keys are refused until it can" in second


async def test_a_poll_that_hangs_is_a_failure(
    worker: Worker, store: Store, monkeypatch: pytest.MonkeyPatch, add_key: Any
) -> None:
    monkeypatch.setattr(watching, "PATIENCE", 0.01)
    await add_key(store, TEXT)

    async def never() -> int:
        await asyncio.Event().wait()
        return 0

    monkeypatch.setattr(store.keys, "revision", never)
    async with asyncio.timeout(30):
        while worker.watch.failure() is None:  # noqa: ASYNC110 - it says nothing when it changes
            await asyncio.sleep(0.02)
    assert worker.cache.get("anything") == (False, None)


async def test_the_first_poll_is_over_when_the_start_returns(worker: Worker, switch: Any) -> None:
    assert await worker.ask() is None
    assert await worker.ask() is None
    assert switch.finds == 1


async def test_nothing_is_trusted_after_the_end(worker: Worker, switch: Any, store: Store, add_key: Any) -> None:
    await add_key(store, TEXT)
    await worker.ask()
    await worker.watch.stop()
    switch.down = True
    with pytest.raises(Unavailable):
        await worker.ask()


async def test_an_end_in_the_midst_of_a_poll_is_an_end(
    worker: Worker, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[asyncio.Task[None]] = []
    ask = store.keys.revision

    async def revision() -> int:
        ended.append(asyncio.create_task(worker.watch.stop()))
        return await ask()

    monkeypatch.setattr(store.keys, "revision", revision)
    async with asyncio.timeout(10):
        while not ended:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.02)
    assert await asyncio.wait(ended, timeout=10) == (set(ended), set())


async def test_without_a_store_it_says_so_and_does_nothing() -> None:
    watch = RevisionWatch(None, KeyCache(), LOG)
    await watch.start()
    assert "plugins/store-sql" in (watch.failure() or "")
    await watch.stop()


def test_a_revoked_key_stops_within_two_seconds_by_design() -> None:
    assert watching.PERIOD + watching.PATIENCE <= TRUSTED_SECONDS < 2.0
