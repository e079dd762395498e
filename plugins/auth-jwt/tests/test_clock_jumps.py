"""The wall clock of a gateway is set while people are logged in: what ends early, what lives on, what is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from accounts_gateway import Accounts, Browser, code_of, config

from gateway.testing.wall_clock import WallClock

Browse = Callable[[Accounts], Browser]
MINUTE, DAY = 60, 86_400


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    return WallClock(tmp_path)


@pytest.fixture
def jumping(clock: WallClock, tmp_path: Path) -> Iterator[Accounts]:
    with Accounts(tmp_path, config(own={"refresh_grace": 30}), environ=clock.environ) as running:
        yield running


async def test_tokens_and_sessions_end_by_the_clock_as_it_stands(
    jumping: Accounts, browse: Browse, clock: WallClock
) -> None:
    """A token lives for a quarter of an hour, a session for a week."""
    browser = browse(jumping)
    await browser.joined("ann@example.org")
    first = browser.token

    async def lets_in(token: str) -> bool:
        browser.token = token
        return (await browser.get("/api/user")).status == 200

    assert await lets_in(first)
    clock.set(16 * MINUTE)
    assert not await lets_in(first)
    assert (await browser.refresh()).status == 200
    ahead = browser.token
    assert await lets_in(ahead)
    clock.set(8 * DAY)
    assert not await lets_in(ahead)
    assert (await browser.post("/api/auth/refresh", Cookie=f"refreshToken={browser.cookie}")).status == 403
    clock.set(0)
    assert await lets_in(first)
    assert await lets_in(ahead)
    clock.set(-DAY)
    assert await lets_in(first)
    assert (await browser.refresh()).status == 200
    assert await lets_in(browser.token)


async def test_a_code_that_was_used_while_the_clock_was_ahead_keeps_those_before_it_from_use(
    jumping: Accounts, browse: Browse, clock: WallClock
) -> None:
    browser = browse(jumping)
    await browser.joined("ann@example.org")
    begun = (await browser.post("/api/auth/2fa/enable")).body
    clock.set(10 * MINUTE)
    late = code_of(begun["otpauthUrl"], time.time() + 10 * MINUTE)
    assert (await browser.post("/api/auth/2fa/confirm", {"token": late})).status == 200
    clock.set(0)
    half = (await browser.login("ann@example.org")).body["tempToken"]
    now = {"tempToken": half, "token": code_of(begun["otpauthUrl"], time.time())}
    assert (await browser.post("/api/auth/2fa/verify-temp", now)).status == 401
    saved = {"tempToken": half, "backupCode": begun["backupCodes"][0]}
    assert (await browser.post("/api/auth/2fa/verify-temp", saved)).status == 200


async def test_a_refresh_token_that_was_replaced_is_within_the_grace_or_beyond_it_by_the_clock(
    jumping: Accounts, browse: Browse, clock: WallClock
) -> None:
    browser = browse(jumping)
    await browser.joined("ann@example.org")
    replaced = f"refreshToken={browser.cookie}"
    assert (await browser.refresh()).status == 200
    clock.set(-DAY)
    again = await browser.post("/api/auth/refresh", Cookie=replaced)
    assert (again.status, again.cookies) == (200, [])
    clock.set(MINUTE)
    assert (await browser.post("/api/auth/refresh", Cookie=replaced)).status == 401
    clock.set(0)
    assert (await browser.refresh()).status == 401
