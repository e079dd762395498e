"""Lists come in pages that leave nothing out and show nothing twice, on both databases."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from gateway import Page, Store, Terms, UsageRecord
from gateway.ledger import Grant

Make = Callable[..., UsageRecord]


async def all_of(ask: Callable[[str], Awaitable[Page[Any]]], limit: int) -> list[Any]:
    """What the pages have together; none is larger than asked for."""
    found: list[Any] = []
    after: str | None = ""
    while after is not None:
        page = await ask(after)
        assert 0 < len(page.items) <= limit
        found += page.items
        after = page.next
    return found


async def test_keys_newest_first_of_everybody_or_of_one(store: Store) -> None:
    users = [await store.users.create(name) for name in ("ann", "bob")]
    for number in range(7):
        await store.keys.create(f"{number:064x}", "sk-", f"{number}", users[number % 2].id)
    everything = await store.keys.list()
    assert await all_of(lambda after: store.keys.page(3, after), 3) == everything
    assert len({key.id for key in everything}) == 7
    own = await all_of(lambda after: store.keys.page(2, after, users[0].id), 2)
    assert own == await store.keys.list(users[0].id)
    assert len(own) == 4


async def test_records_of_one_moment_are_told_apart(store: Store, record: Make) -> None:
    for number in range(9):
        store.usage.append(record(f"ex{number}", started=1.1 if number < 6 else 2.0 / 3, user_id=f"usr_{number % 2}"))
    await store.usage.flush()
    expected: Sequence[UsageRecord] = await store.usage.records()
    assert await all_of(lambda after: store.usage.page(2, after), 2) == expected
    own = await all_of(lambda after: store.usage.page(2, after, "usr_1"), 2)
    assert own == [one for one in expected if one.user_id == "usr_1"]


async def test_accounts_by_owner(store: Store) -> None:
    assert store.ledger is not None
    ledger = store.ledger
    for name in ("user:b", "user:a", "budget:x", "user:c"):
        await ledger.grant(Grant(name, name, "add", 1), Terms())
    assert await all_of(lambda after: ledger.account_page(3, after), 3) == await ledger.accounts()
    found = await all_of(lambda after: ledger.account_page(2, after, "user:"), 2)
    assert [one.owner for one in found] == ["user:a", "user:b", "user:c"]


async def test_users_are_found_by_part_of_the_name_or_the_address(store: Store) -> None:
    for name, email in (("Ann", "A@x.org"), ("bob", "bob@ann.org"), ("100%", ""), ("a_b", ""), ("Öz", "ÖZ@x.org")):
        await store.users.create(name, email)

    async def found(search: str) -> list[str]:
        return [one.name for one in await all_of(lambda after: store.users.page(1, after, search), 1)]

    assert await found("ANN") == ["Ann", "bob"]
    assert await found("%") == ["100%"]
    assert await found("_") == ["a_b"]
    assert await found("Öz") == ["Öz"]
    assert (await store.users.page(1, "", "\\")).items == []


async def test_a_place_that_is_none_has_nothing_behind_it(store: Store, record: Make) -> None:
    user = await store.users.create("ann")
    await store.keys.create("0" * 64, "sk-", "", user.id)
    assert list((await store.keys.page(1, "no place")).items) == []
    assert list((await store.keys.page(1, "1.0 \0")).items) == []
    assert list((await store.usage.page(1, "no place")).items) == []
