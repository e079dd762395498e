"""GET /api/balance, and what the client's configuration says of balances, as LibreChat has them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from gateway import Answer, BalanceSection, Forbidden, Principal, Services, Settings, Unavailable
from gateway.ledger import Grant
from gateway.money import Terms
from gateway.testing.stores import store_in

Call = Callable[..., Awaitable[Answer]]
GIVEN = frozenset(("balance.enabled", "balance.startBalance"))
REFILL = {
    "auto_refill_enabled": True,
    "refill_amount": 300,
    "refill_interval_value": 2,
    "refill_interval_unit": "weeks",
}
ADA = Principal(user_id="usr_ada", name="Ada")


def enabled(**fields: object) -> Settings:
    section = BalanceSection(enabled=True, start_balance=1000, **fields)  # type: ignore[arg-type]
    return Settings({BalanceSection: section}, {}, GIVEN)


@pytest.fixture
async def kept(services: Services, tmp_path: Path) -> AsyncIterator[Services]:
    store = store_in(tmp_path)
    await store.open()
    yield replace(services, store=store)
    await store.close()


async def test_without_balances_there_is_none(call: Call) -> None:
    answer = await call("GET", "/api/balance")
    assert (answer.status, answer.body) == (204, b"")


async def test_a_balance_is_opened_by_looking_at_it(call: Call, kept: Services) -> None:
    for _ in range(2):
        answer = await call("GET", "/api/balance", settings=enabled(), services=kept)
        assert msgspec.json.decode(answer.body) == {"user": "usr_ada", "tokenCredits": 1000, "__v": 0}


async def test_refills_are_told_where_there_are_any(call: Call, kept: Services) -> None:
    answer = await call("GET", "/api/balance", settings=enabled(**REFILL), services=kept)
    told = msgspec.json.decode(answer.body)
    assert told.pop("lastRefill").endswith("Z")
    assert told == {
        "user": "usr_ada",
        "tokenCredits": 1000,
        "autoRefillEnabled": True,
        "refillIntervalValue": 2,
        "refillIntervalUnit": "weeks",
        "refillAmount": 300,
        "__v": 0,
    }


async def test_a_part_of_a_credit_is_told(call: Call, kept: Services) -> None:
    assert kept.store is not None
    assert kept.store.ledger is not None
    await kept.store.ledger.grant(Grant("k", "user:usr_ada", "set", 1_500), Terms())
    answer = await call("GET", "/api/balance", settings=enabled(), services=kept)
    assert msgspec.json.decode(answer.body)["tokenCredits"] == 1.5


async def test_nobody_has_a_balance_where_nothing_can_keep_it(call: Call, services: Services) -> None:
    with pytest.raises(Unavailable, match="keeps balances"):
        await call("GET", "/api/balance", settings=enabled(), services=services)
    with pytest.raises(Forbidden):
        await call("GET", "/api/balance", settings=enabled(), principal=Principal(user_id=""))


async def test_the_client_is_told_what_it_needs_to_show_balances(call: Call) -> None:
    answer = await call("GET", "/api/config", settings=enabled(**REFILL))
    assert msgspec.json.decode(answer.body)["balance"] == {
        "enabled": True,
        "startBalance": 1000,
        "autoRefillEnabled": True,
        "refillIntervalValue": 2,
        "refillIntervalUnit": "weeks",
        "refillAmount": 300,
    }
