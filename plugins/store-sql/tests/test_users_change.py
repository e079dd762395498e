"""Users change, are disabled and deleted; what others know of them follows."""

from __future__ import annotations

import asyncio

import pytest

from gateway import AccessGrant, BadCall, Conflict, Identity, NotFound, SealedKey, Store


async def test_only_what_is_named_changes(store: Store) -> None:
    ann = await store.users.create("ann", "ann@example.org", "ADMIN", ["eng"])
    seen = await store.keys.revision()
    changed = await store.users.update(ann.id, email="ANN@new.example.org", groups=["ops", "eng"])
    assert (changed.name, changed.email, changed.role) == ("ann", "ann@new.example.org", "ADMIN")
    assert changed.groups == ("ops", "eng")
    assert await store.users.get(ann.id) == changed
    assert await store.keys.revision() > seen
    renamed = await store.users.update(ann.id, name="Anna", role="STAFF")
    assert await store.users.find("Anna") == renamed
    assert await store.users.find("ann") is None


async def test_a_name_of_another_is_refused_and_ones_own_is_not(store: Store) -> None:
    ann, bob = await store.users.create("ann"), await store.users.create("bob")
    with pytest.raises(Conflict, match="already a user named 'bob'"):
        await store.users.update(ann.id, name="bob", role="ADMIN")
    assert await store.users.get(ann.id) == ann
    assert await store.users.update(bob.id, name="bob") == bob


async def test_who_is_not_there_is_not_changed(store: Store) -> None:
    with pytest.raises(NotFound, match="no user with the id 'usr_x'"):
        await store.users.update("usr_x", name="x")
    ann = await store.users.create("ann")
    for wrong in ({"name": "a\0"}, {"email": "\ud800"}, {"role": "\0"}, {"groups": ["\0"]}):
        with pytest.raises(BadCall, match="no text"):
            await store.users.update(ann.id, **wrong)  # type: ignore[arg-type]
    with pytest.raises(BadCall, match="no text"):
        await store.users.update("\0", name="x")


async def test_disabling_keeps_the_first_time_and_enabling_forgets_it(store: Store) -> None:
    ann = await store.users.create("ann")
    await store.keys.create("d", "sk-", "", ann.id)
    first = await store.users.update(ann.id, disabled=True)
    assert first.disabled is not None
    assert (await store.users.update(ann.id, disabled=True)).disabled == first.disabled
    _, owner = await store.keys.find("d") or (None, None)
    assert owner is not None
    assert owner.disabled == first.disabled
    assert (await store.users.update(ann.id, name="anna")).disabled == first.disabled
    assert (await store.users.update(ann.id, disabled=False)).disabled is None
    assert (await store.users.find("anna") or ann).disabled is None


async def test_a_deleted_user_is_nowhere_and_the_keys_are_revoked(store: Store) -> None:
    ann = await store.users.create("ann", "ann@example.org", "ADMIN", ["eng"])
    bob = await store.users.create("bob")
    key = await store.keys.create("d", "sk-", "", ann.id)
    await store.keys.create("other", "sk-", "", bob.id)
    await store.identities.put(Identity("idp", "sub", ann.id))
    await store.user_keys.put(ann.id, SealedKey("openAI", b"sealed"))
    granted = AccessGrant("remoteAgent", "agent_1", "user", ann.id)
    await store.grants.change([granted, AccessGrant("remoteAgent", "agent_1", "user", bob.id)])
    before = await store.keys.revision(), await store.agents.revision()

    assert await store.users.delete(ann.id)

    found, owner = await store.keys.find("d") or (key, ann)
    assert found.revoked is not None
    assert owner.disabled is not None
    assert (owner.email, owner.role, owner.groups) == ("", "", ())
    assert "ann" not in owner.name
    assert (await store.users.get(ann.id), await store.users.find("ann"), await store.users.find(ann.email)) == (
        None,
    ) * 3
    assert await store.users.find(ann.id) is None
    assert await store.users.list() == [bob]
    assert await store.users.count() == 1
    assert await store.identities.find("idp", "sub") is None
    assert await store.user_keys.get(ann.id, "openAI") is None
    assert [one.principal_id for one in await store.grants.list("remoteAgent")] == [bob.id]
    assert (await store.keys.list(bob.id))[0].revoked is None
    now = await store.keys.revision(), await store.agents.revision()
    assert [new > old for new, old in zip(now, before, strict=True)] == [True, True]
    assert [one.id for one in await store.keys.list(ann.id)] == [key.id]


async def test_the_name_of_a_deleted_user_is_free_and_the_new_one_is_another(store: Store) -> None:
    ann = await store.users.create("ann", "ann@example.org")
    await store.keys.create("d", "sk-", "", ann.id)
    assert await store.users.delete(ann.id)
    seen = await store.keys.revision(), await store.agents.revision()
    assert not await store.users.delete(ann.id)
    assert not await store.users.delete("usr_nobody")
    assert (await store.keys.revision(), await store.agents.revision()) == seen
    again = await store.users.create("ann", "ann@example.org")
    assert again.id != ann.id
    assert await store.users.find("ann@example.org") == again
    for refused in (
        store.users.update(ann.id, name="ann2"),
        store.keys.create("e", "sk-", "", ann.id),
        store.identities.put(Identity("idp", "sub", ann.id)),
    ):
        with pytest.raises(NotFound):
            await refused


async def test_what_a_deleted_user_did_stays_on_record(store: Store, record) -> None:  # type: ignore[no-untyped-def]
    ann = await store.users.create("ann")
    store.usage.append(record("ex1", user_id=ann.id))
    await store.users.delete(ann.id)
    await store.usage.flush()
    assert [one.user_id for one in await store.usage.records()] == [ann.id]


async def test_pages_are_by_name_and_miss_nobody(store: Store) -> None:
    names = [f"user{number:02}" for number in range(7)]
    for name in reversed(names):
        await store.users.create(name)
    gone = await store.users.find("user03")
    assert gone is not None
    await store.users.delete(gone.id)
    seen, after = [], ""
    for _ in range(4):
        page = await store.users.page(2, after)
        seen.append([user.name for user in page.items])
        if page.next is None:
            break
        after = page.next
    assert seen == [["user00", "user01"], ["user02", "user04"], ["user05", "user06"]]
    assert (await store.users.page(100)).next is None
    assert len((await store.users.page(0)).items) == 1
    assert not (await store.users.page(5, "\0")).items


async def test_changes_that_come_at_once_are_each_made(store: Store) -> None:
    users = [await store.users.create(f"u{number}") for number in range(8)]
    taken = await asyncio.gather(
        *(store.users.update(user.id, name="wanted") for user in users), return_exceptions=True
    )
    assert sum(isinstance(one, Conflict) for one in taken) == 7
    seen = await store.keys.revision()
    await asyncio.gather(
        *(store.users.update(user.id, role="STAFF") for user in users),
        *(store.users.create(f"new{number}") for number in range(8)),
        *(store.groups.create(f"g{number}") for number in range(8)),
        *(store.users.delete(user.id) for user in users[:2]),
    )
    assert await store.keys.revision() >= seen + 24
    assert await store.users.count() == 14
