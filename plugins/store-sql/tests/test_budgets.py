"""Budgets that are set while the gateway runs, on both databases."""

from __future__ import annotations

import pytest

from gateway import BadCall, Budget, Budgets, Store
from gateway.money import Window

DAILY = Budget("key", "key_1", 5_000_000_000, Window(1, "days", "Europe/Berlin"))
MONTHLY = Budget("key", "key_1", 50_000_000_000, Window(1, "months", "UTC", 1_800_000_000.5), soft=True)
ALL = Budget("organisation", "", 10**18)


@pytest.fixture
def budgets(store: Store) -> Budgets:
    assert store.budgets is not None
    return store.budgets


async def test_one_is_kept_for_each_name_and_whole(budgets: Budgets) -> None:
    assert await budgets.list() == []
    for one in (MONTHLY, ALL, DAILY, Budget("agent", "*", 5)):
        await budgets.put(one)
    assert await budgets.list() == [Budget("agent", "*", 5), DAILY, MONTHLY, ALL]


async def test_a_later_one_is_in_place_of_an_earlier(budgets: Budgets) -> None:
    await budgets.put(DAILY)
    later = Budget("key", "key_1", 7, Window(1, "days", "UTC", 60.0), soft=True)
    await budgets.put(later)
    assert await budgets.list() == [later]


async def test_every_change_is_told(budgets: Budgets) -> None:
    seen = [await budgets.revision()]
    await budgets.put(DAILY)
    seen.append(await budgets.revision())
    assert await budgets.remove(DAILY.name)
    seen.append(await budgets.revision())
    assert not await budgets.remove(DAILY.name)
    assert seen == sorted(set(seen))
    assert await budgets.list() == []


async def test_a_subject_that_no_database_keeps_is_refused(budgets: Budgets) -> None:
    with pytest.raises(BadCall):
        await budgets.put(Budget("key", "nul\0", 5))
    assert not await budgets.remove("nul\0")
