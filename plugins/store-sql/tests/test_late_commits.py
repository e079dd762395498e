"""What PostgreSQL commits after the gateway has given it up: nothing of it is stuck, and nothing is done twice."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from breaking import Breaking
from deeds import TERMS, Clock, Deeds
from gateway_store_sql.ledger import SqlLedger
from places import Place

from gateway import Unavailable
from gateway.ledger import Grant, Ledger

ADA = "user:ada"
LATE = 0.3
"""Seconds after which the server takes the COMMIT: long after what follows it has been asked for."""


@pytest.fixture
async def store(on_postgres: Place) -> AsyncIterator[Any]:
    store = on_postgres.store()
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def ledger(store: Any) -> AsyncIterator[Ledger]:
    ledger: SqlLedger = store.ledger
    ledger._clock = Clock()
    yield ledger
    assert (await ledger.audit(0.0)).discrepancies == ()


@pytest.fixture
def deeds(store: Any, ledger: Ledger) -> Deeds:
    return Deeds(store, ledger, Clock(), "ada")


class Late(Breaking):
    """The server process stands still at a COMMIT, which has been written to it, and goes on when all was given up."""

    async def asked(self, connection: Any, sql: str, ask: Callable[[], Awaitable[Any]]) -> Any:
        if sql != "COMMIT" or not self.falls(sql):
            return await ask()
        process = connection.get_server_pid()
        os.kill(process, signal.SIGSTOP)
        asyncio.get_running_loop().call_later(LATE, os.kill, process, signal.SIGCONT)
        asked = asyncio.ensure_future(ask())
        asked.add_done_callback(lambda task: task.cancelled() or task.exception())
        await asyncio.sleep(0.01)
        raise TimeoutError


@pytest.fixture
def late(store: Any) -> Late:
    late = Late()
    late.on_postgres(store)
    return late


async def parts(ledger: Ledger) -> tuple[int, int, int]:
    """available, held, spent; once the late COMMIT has been taken."""
    await asyncio.sleep(2 * LATE)
    [account] = [one for one in await ledger.accounts() if one.owner == ADA]
    return account.available, account.held, account.spent


async def test_what_was_held_all_the_same_is_given_back(ledger: Ledger, deeds: Deeds, late: Late) -> None:
    """Fails where a release does not wait for the accounts: it finds no hold, and that is there a moment later."""
    late.arm(1)
    attempt = await deeds.held()
    assert late.fell_on
    assert await parts(ledger) == (900, 100, 0)
    deeds.settle(attempt, 10)
    await ledger.flush()
    assert await parts(ledger) == (990, 0, 10)


async def test_what_was_settled_all_the_same_is_settled_once(ledger: Ledger, deeds: Deeds, late: Late) -> None:
    """Fails where `_settle_again` charges."""
    attempt = await deeds.held()
    late.arm(1)
    deeds.settle(attempt, 10)
    with pytest.raises(Unavailable):
        await ledger.flush()
    await deeds.insist(ledger.flush)
    assert await parts(ledger) == (990, 0, 10)


async def test_what_was_granted_all_the_same_is_granted_once(ledger: Ledger, deeds: Deeds, late: Late) -> None:
    """Fails where a grant is not looked for under the lock of its account."""
    late.arm(1)
    grant = Grant("christmas", ADA, "add", 500)
    with pytest.raises(Unavailable):
        await ledger.grant(grant, TERMS)
    assert (await ledger.grant(grant, TERMS)).available == 1500
    assert await parts(ledger) == (1500, 0, 0)
