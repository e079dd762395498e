"""Users are found by id, name and address, and a name is taken once."""

from __future__ import annotations

import pytest

from gateway import BadCall, Conflict, Store


async def test_a_user_comes_back_as_made(store: Store) -> None:
    user = await store.users.create("Ann Ö.", "Ann@Example.org", "ADMIN", ["eng", "ops"])
    assert (user.name, user.email, user.role, user.groups) == ("Ann Ö.", "ann@example.org", "ADMIN", ("eng", "ops"))
    assert await store.users.get(user.id) == user
    assert await store.users.find("Ann Ö.") == user
    assert await store.users.find("ANN@example.org") == user
    assert await store.users.list() == [user]


async def test_who_is_not_there_is_none(store: Store) -> None:
    await store.users.create("ann")
    assert await store.users.get("usr_nobody") is None
    assert await store.users.find("bob") is None
    assert await store.users.find("") is None


async def test_a_name_is_taken_once(store: Store) -> None:
    first = await store.users.create("ann", role="ADMIN")
    with pytest.raises(Conflict, match="already a user named 'ann'"):
        await store.users.create("ann")
    assert await store.users.list() == [first]


async def test_of_two_with_one_address_the_oldest_is_found(store: Store) -> None:
    first = await store.users.create("ann", "team@example.org")
    await store.users.create("bob", "team@example.org")
    assert await store.users.find("team@example.org") == first


async def test_a_name_goes_before_an_address(store: Store) -> None:
    await store.users.create("ann", "x@example.org")
    named = await store.users.create("x@example.org")
    assert await store.users.find("x@example.org") == named


@pytest.mark.parametrize("text", ["nul\0", "half \ud800", "\udcff"])
async def test_what_is_no_text_is_refused_and_found_nowhere(store: Store, text: str) -> None:
    with pytest.raises(BadCall, match="no text"):
        await store.users.create(text)
    with pytest.raises(BadCall, match="no text"):
        await store.users.create("ann", groups=[text])
    user = await store.users.create("bob")
    with pytest.raises(BadCall, match="no text"):
        await store.keys.create("d" * 64, "sk-", text, user.id)
    assert await store.users.find(text) is None
    assert await store.users.get(text) is None
    assert not await store.keys.list(text)
    assert not await store.keys.revoke(text, 1.0)
    assert await store.usage.totals([], user_id=text) == ()


async def test_names_are_listed_by_code_points_whatever_the_databases_collation_is(store: Store) -> None:
    names = ["b", "A", "a", "Z", "ä", "_", "~", "😀", "￠", ""]
    for name in names:
        await store.users.create(name)
    assert [user.name for user in await store.users.list()] == sorted(names)


async def test_users_are_counted(store: Store) -> None:
    assert await store.users.count() == 0
    await store.users.create("ann")
    await store.users.create("bob")
    assert await store.users.count() == 2
