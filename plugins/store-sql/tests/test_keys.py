"""Keys: found by digest with their owner, revoked from a time on, and a revision that other processes see."""

from __future__ import annotations

import asyncio

import pytest
from places import Place

from gateway import BadCall, Budget, Conflict, NotFound, Scopes, Store, User
from gateway.money import Window


@pytest.fixture
async def ann(store: Store) -> User:
    return await store.users.create("ann", role="ADMIN", groups=["ops"])


async def test_a_key_is_found_by_its_digest_with_its_owner(store: Store, ann: User) -> None:
    key = await store.keys.create("d" * 64, "sk-ddddd", "laptop", ann.id, expires=2e9)
    assert await store.keys.find("d" * 64) == (key, ann)
    assert await store.keys.find("e" * 64) is None
    assert (key.label, key.prefix, key.expires, key.last_used, key.revoked) == ("laptop", "sk-ddddd", 2e9, None, None)


async def test_whether_its_user_chose_the_label_is_kept(store: Store, ann: User) -> None:
    for digest, own in (("d1", True), ("d2", False)):
        made = await store.keys.create(digest, "sk-", "ci", ann.id, own=own)
        found = await store.keys.find(digest)
        assert found == (made, ann)
        assert made.own is own


async def test_keys_are_listed_newest_first_and_by_owner(store: Store, ann: User) -> None:
    bob = await store.users.create("bob")
    first, second, third = [
        await store.keys.create(digest * 64, "sk-", digest, owner.id)
        for digest, owner in (("a", ann), ("b", bob), ("c", ann))
    ]
    assert await store.keys.list() == [third, second, first]
    assert await store.keys.list(ann.id) == [third, first]
    assert await store.keys.list("usr_nobody") == []


async def test_a_digest_is_kept_once(store: Store, ann: User) -> None:
    await store.keys.create("d" * 64, "sk-", "", ann.id)
    with pytest.raises(Conflict):
        await store.keys.create("d" * 64, "sk-", "again", ann.id)
    assert len(await store.keys.list()) == 1


async def test_a_key_needs_an_owner(store: Store) -> None:
    with pytest.raises(NotFound, match="usr_nobody"):
        await store.keys.create("d" * 64, "sk-", "", "usr_nobody")


async def test_revoking_holds_from_the_earliest_time_on(store: Store, ann: User) -> None:
    key = await store.keys.create("d" * 64, "sk-", "", ann.id)

    async def revoked() -> float | None:
        found = await store.keys.find("d" * 64)
        assert found
        return found[0].revoked

    assert await store.keys.revoke(key.id, 2000.0)
    assert await revoked() == 2000.0
    assert await store.keys.revoke(key.id, 1000.0)
    assert await revoked() == 1000.0
    assert await store.keys.revoke(key.id, 3000.0)
    assert await revoked() == 1000.0
    assert not await store.keys.revoke("key_nothing", 1.0)


async def test_the_revision_grows_with_every_change_and_only_then(store: Store) -> None:
    seen = [await store.keys.revision()]

    async def grew() -> bool:
        seen.append(await store.keys.revision())
        return seen[-1] > seen[-2]

    user = await store.users.create("ann")
    assert await grew()
    key = await store.keys.create("d" * 64, "sk-", "", user.id)
    assert await grew()
    await store.keys.revoke(key.id, 1.0)
    assert await grew()
    await store.keys.revoke("key_nothing", 1.0)
    store.keys.touch(key.id, 1.0)
    await store.usage.flush()
    with pytest.raises(Conflict):
        await store.users.create("ann")
    assert not await grew()


async def test_another_process_sees_a_change_at_once(store: Store, place: Place, ann: User) -> None:
    other = place.store()
    await other.open()
    key = await store.keys.create("d" * 64, "sk-", "", ann.id)
    assert await other.keys.find("d" * 64) == (key, ann)
    before = await other.keys.revision()
    await store.keys.revoke(key.id, 1.0)
    assert await other.keys.revision() > before
    await other.close()


async def test_the_last_use_is_kept_and_never_goes_back(store: Store, ann: User) -> None:
    key = await store.keys.create("d" * 64, "sk-", "", ann.id)

    async def last_used() -> float | None:
        await store.usage.flush()
        return (await store.keys.list())[0].last_used

    store.keys.touch(key.id, 100.0)
    assert await last_used() == 100.0
    store.keys.touch(key.id, 100.5)
    assert await last_used() == 100.0, "two uses within a second are one write"
    store.keys.touch(key.id, 102.0)
    assert await last_used() == 102.0
    store.keys.touch(key.id, 50.0)
    assert await last_used() == 102.0
    store.keys.touch("key_nothing", 100.0)
    await store.usage.flush()


async def test_the_last_uses_of_many_keys_are_one_write_and_none_is_left_out(store: Store, ann: User) -> None:
    keys = [await store.keys.create(f"{number:064x}", "sk-", "", ann.id) for number in range(40)]
    for at in (100.0, 200.0):
        for key in keys:
            store.keys.touch(key.id, at + keys.index(key))
        if at == 100.0:
            await asyncio.sleep(0.01)
    store.keys.touch(keys[0].id, 150.0)
    await store.usage.flush()
    assert {key.id: key.last_used for key in await store.keys.list()} == {
        key.id: 200.0 + place for place, key in enumerate(keys)
    }


async def test_uses_that_come_while_others_are_written_are_written_too(store: Store, ann: User) -> None:
    keys = [await store.keys.create(f"{number:064x}", "sk-", "", ann.id) for number in range(20)]
    for round in range(1, 30):
        for key in keys:
            store.keys.touch(key.id, round * 10.0)
        flushing = asyncio.ensure_future(store.usage.flush())
        await asyncio.sleep(0)
        for key in keys:
            store.keys.touch(key.id, round * 10.0 + 5)
        await flushing
    await store.usage.flush()
    assert {key.last_used for key in await store.keys.list()} == {295.0}


async def test_a_keys_scopes_and_trust_are_kept(store: Store, ann: User) -> None:
    scopes = Scopes(("agent_1",), ("openAI/*", "ö"), ("gemini",), ("192.0.2.0/24", "2001:db8::/32"))
    limited = await store.keys.create("d" * 64, "sk-", "limited", ann.id, scopes=scopes)
    trusted = await store.keys.create("e" * 64, "sk-", "trusted", ann.id, trusted=True)
    plain = await store.keys.create("f" * 64, "sk-", "plain", ann.id)
    assert (limited.scopes, limited.trusted, trusted.scopes, trusted.trusted) == (scopes, False, Scopes(), True)
    assert (plain.scopes, plain.trusted) == (Scopes(), False)
    for key in (limited, trusted, plain):
        assert await store.keys.find(key.digest) == (key, ann)
    listed = await store.keys.list()
    assert {key.id: key for key in listed} == {key.id: key for key in (limited, trusted, plain)}
    assert await store.keys.list(ann.id) == listed
    with pytest.raises(BadCall, match="scopes"):
        await store.keys.create("a" * 64, "sk-", "", ann.id, scopes=Scopes(models=("\ud800",)))


async def test_a_key_and_its_budgets_are_made_together_or_not_at_all(store: Store, ann: User) -> None:
    assert store.budgets is not None
    day, month = Budget("key", "", 5, Window(1, "days")), Budget("key", "", 7, Window(1, "months"))
    before = await store.budgets.revision()
    key = await store.keys.create("d" * 64, "sk-", "", ann.id, budgets=(day, month))
    assert list(await store.budgets.list()) == [day.of(key.id), month.of(key.id)]
    assert await store.budgets.revision() > before
    with pytest.raises(Conflict):
        await store.keys.create("d" * 64, "sk-", "", ann.id, budgets=(day,))
    with pytest.raises(BadCall):
        await store.keys.create("e" * 64, "sk-", "", ann.id, budgets=(Budget("key", "", 5, Window(zone="\0")),))
    assert [one.id for one in await store.keys.list()] == [key.id]
    assert len(await store.budgets.list()) == 2
