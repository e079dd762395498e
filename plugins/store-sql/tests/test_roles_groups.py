"""What was said about roles; groups, whose names are carried to their members; identities elsewhere."""

from __future__ import annotations

import pytest

from gateway import AccessGrant, BadCall, Conflict, Identity, NotFound, RemotePermissions, Role, Store


def on(principal: str, of: str) -> AccessGrant:
    return AccessGrant("remoteAgent", "agent_1", principal, of)  # type: ignore[arg-type]


async def test_a_role_comes_back_as_it_was_said_and_nothing_is_not_no(store: Store) -> None:
    assert await store.roles.get("USER") is None
    seen = await store.keys.revision()
    said = Role("USER", RemotePermissions(use=True, share=False))
    await store.roles.put(said)
    await store.roles.put(Role("Gäste"))
    assert await store.roles.get("USER") == said
    assert (said.remote_agents.share, said.remote_agents.public) == (False, None)
    assert await store.roles.list() == [Role("Gäste"), said]
    await store.roles.put(Role("USER", RemotePermissions(create=True)))
    assert await store.roles.get("USER") == Role("USER", RemotePermissions(create=True))
    assert await store.keys.revision() == seen + 3
    with pytest.raises(BadCall, match="no text"):
        await store.roles.put(Role("\0"))
    assert await store.roles.get("\0") is None


async def test_a_deleted_role_takes_what_was_granted_to_it(store: Store) -> None:
    await store.roles.put(Role("STAFF"))
    await store.grants.change([on("role", "STAFF"), on("role", "USER"), on("user", "STAFF")])
    seen = await store.keys.revision(), await store.agents.revision()
    assert await store.roles.delete("STAFF")
    assert (await store.keys.revision(), await store.agents.revision()) > seen
    assert not await store.roles.delete("STAFF")
    assert await store.grants.list("remoteAgent") == [on("role", "USER"), on("user", "STAFF")]


async def test_a_group_comes_back_as_made_and_its_name_is_taken_once(store: Store) -> None:
    seen = await store.keys.revision()
    ops = await store.groups.create("ops", "Betrieb")
    eng = await store.groups.create("eng")
    assert await store.keys.revision() == seen + 2
    assert (ops.name, ops.description) == ("ops", "Betrieb")
    assert await store.groups.get(ops.id) == ops
    assert await store.groups.find("ops") == ops
    assert await store.groups.list() == [eng, ops]
    with pytest.raises(Conflict, match="already a group named 'ops'"):
        await store.groups.create("ops")
    with pytest.raises(Conflict, match="already a group named 'ops'"):
        await store.groups.update(eng.id, name="ops")
    assert (await store.groups.get("grp_x"), await store.groups.find("x"), await store.groups.find("\0")) == (None,) * 3
    with pytest.raises(NotFound):
        await store.groups.update("grp_x", name="y")
    assert (await store.groups.update(eng.id, description="makers")).name == "eng"


@pytest.mark.parametrize("name", ["ops", 'a "quoted" \\ name', "é😀", "o"])
async def test_a_new_name_is_carried_to_the_members_and_to_nobody_else(store: Store, name: str) -> None:
    group = await store.groups.create(name)
    ann = await store.users.create("ann", groups=["first", name, "last"])
    bob = await store.users.create("bob", groups=[f"{name}s", f"x{name}", f'"{name}"', f"{name},"])
    cat = await store.users.create("cat", groups=[name, "new"])
    seen = await store.keys.revision()
    await store.groups.update(group.id, name="new")
    assert await store.keys.revision() > seen
    assert (await store.users.get(ann.id) or ann).groups == ("first", "new", "last")
    assert (await store.users.get(bob.id) or ann).groups == bob.groups
    assert (await store.users.get(cat.id) or ann).groups == ("new",)


async def test_a_deleted_group_is_no_members_any_more_and_takes_what_was_granted_to_it(store: Store) -> None:
    ops, eng = await store.groups.create("ops"), await store.groups.create("eng")
    ann = await store.users.create("ann", groups=["ops", "eng"])
    await store.grants.change([on("group", ops.id), on("group", eng.id)])
    seen = await store.agents.revision()
    assert await store.groups.delete(ops.id)
    assert not await store.groups.delete(ops.id)
    assert (await store.users.get(ann.id) or ann).groups == ("eng",)
    assert await store.grants.list("remoteAgent") == [on("group", eng.id)]
    assert await store.agents.revision() > seen


async def test_an_identity_elsewhere_is_one_users(store: Store) -> None:
    ann, bob = await store.users.create("ann"), await store.users.create("bob")
    seen = await store.keys.revision()
    await store.identities.put(Identity("https://idp", "sub-1", ann.id))
    await store.identities.put(Identity("https://idp", "sub-1", ann.id))
    await store.identities.put(Identity("librechat", "sub-1", bob.id))
    assert await store.keys.revision() > seen
    assert await store.identities.find("https://idp", "sub-1") == ann.id
    assert await store.identities.find("librechat", "sub-1") == bob.id
    assert await store.identities.find("librechat", "sub-2") is None
    assert await store.identities.find("\0", "sub-1") is None
    assert await store.identities.list(ann.id) == [Identity("https://idp", "sub-1", ann.id)]
    with pytest.raises(Conflict, match="another user already"):
        await store.identities.put(Identity("https://idp", "sub-1", bob.id))
    with pytest.raises(NotFound):
        await store.identities.put(Identity("https://idp", "sub-2", "usr_x"))
    assert await store.identities.delete("https://idp", "sub-1")
    assert not await store.identities.delete("https://idp", "sub-1")
    assert await store.identities.find("https://idp", "sub-1") is None


async def test_what_is_said_of_documents_is_kept_beside_the_rest(store: Store) -> None:
    assert store.roles is not None
    both = Role("STAFF", RemotePermissions(use=True), RemotePermissions(create=False, share=True))
    for role in (both, Role("STAFF", agents=RemotePermissions(use=False)), Role("STAFF")):
        await store.roles.put(role)
        assert await store.roles.get("STAFF") == role
        assert await store.roles.list() == [role]
