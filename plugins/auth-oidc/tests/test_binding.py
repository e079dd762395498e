"""Whom a `sub` is bound to: the first token with a user's address says it, and addresses mean nothing after that."""

from __future__ import annotations

import asyncio

import pytest
from gateway_auth_oidc.people import provider_of
from gateway_auth_oidc.settings import AuthOidc
from openid_door import Door, Open

from gateway import Conflict, Identity, Store, Unauthenticated

ANN = "ann@example.org"
pytestmark = pytest.mark.parametrize("store", ["sqlite", "postgresql"], indirect=True)


async def name_of(door: Door, **claims: object) -> str:
    principal = await door.ask(door.issuer.token(**claims))
    assert principal is not None
    return principal.name


async def test_who_came_in_by_an_address_is_known_whatever_becomes_of_it(store: Store, opened: Open) -> None:
    assert store.identities is not None
    door = opened(AuthOidc(kept=0))
    assert await name_of(door, sub="s1", email=ANN) == "ann"
    ann = await store.users.find("ann")
    assert ann is not None
    assert await store.identities.list(ann.id) == [Identity(provider_of(door.issuer.url), "s1", ann.id)]
    for email in ("married@example.org", None):
        assert await name_of(door, sub="s1", email=email) == "ann"
    assert await name_of(door, sub="s1", email=ANN, email_verified=False) == "ann"
    await store.users.update(ann.id, email="other@example.org")
    assert await name_of(door, sub="s1", email=ANN) == "ann"


async def test_who_has_the_address_later_is_somebody_else(store: Store, opened: Open) -> None:
    assert store.identities is not None
    door = opened(AuthOidc(kept=0))
    assert await name_of(door, sub="s1", email=ANN) == "ann"
    for _ in range(2):
        with pytest.raises(Unauthenticated, match="belongs to somebody who has come in by another account"):
            await door.ask(door.issuer.token(sub="s2", email=ANN))
    assert await store.identities.find(provider_of(door.issuer.url), "s2") is None
    named = opened(AuthOidc(kept=0, users={"s2": "ann"}))
    assert await name_of(named, sub="s2", email=ANN) == "ann", "the operator says that they are one"


async def test_a_bound_subject_is_not_another_user_by_its_new_address(store: Store, opened: Open) -> None:
    door = opened(AuthOidc(kept=0))
    await store.users.create("boss", "boss@example.org", "ADMIN")
    assert await name_of(door, sub="s1", email=ANN) == "ann"
    assert await name_of(door, sub="s1", email="boss@example.org") == "ann"


async def test_an_address_that_is_not_verified_binds_nobody(store: Store, opened: Open) -> None:
    door = opened(AuthOidc(kept=0))
    with pytest.raises(Unauthenticated, match="has not verified"):
        await door.ask(door.issuer.token(sub="s2", email=ANN, email_verified=False))
    assert await name_of(door, sub="s1", email=ANN) == "ann"


async def test_a_binding_of_another_issuer_or_of_an_oid_is_none(store: Store, opened: Open) -> None:
    assert store.identities is not None
    door = opened(AuthOidc(kept=0))
    boss = await store.users.create("boss", "boss@example.org", "ADMIN")
    await store.identities.put(Identity("oidc:https://other.example", "s1", boss.id))
    await store.identities.put(Identity(provider_of(door.issuer.url), "o1", boss.id))
    assert await name_of(door, sub="s1", oid="o1", email=ANN) == "ann"


async def test_a_deleted_users_binding_is_gone_with_the_user(store: Store, opened: Open) -> None:
    door = opened(AuthOidc(kept=0))
    assert await name_of(door, sub="s1", email=ANN) == "ann"
    ann = await store.users.find("ann")
    assert ann is not None
    await store.users.delete(ann.id)
    with pytest.raises(Unauthenticated, match="nobody here is known"):
        await door.ask(door.issuer.token(sub="s1", email=ANN))
    await store.users.create("ann2", ANN)
    assert await name_of(door, sub="s2", email=ANN) == "ann2"


async def test_of_two_who_come_at_once_one_is_bound(store: Store, opened: Open) -> None:
    assert store.identities is not None
    doors = [opened(AuthOidc(kept=0)) for _ in range(6)]
    tokens = [door.issuer.token(sub=f"s{number % 2}", email=ANN) for number, door in enumerate(doors)]
    pairs = zip(doors, tokens, strict=True)
    ended = await asyncio.gather(*(door.ask(token) for door, token in pairs), return_exceptions=True)
    came = {number % 2 for number, one in enumerate(ended) if not isinstance(one, BaseException)}
    assert len(came) == 1
    assert [isinstance(one, Unauthenticated) for one in ended].count(True) == 3
    ann = await store.users.find("ann")
    assert ann is not None
    [bound] = await store.identities.list(ann.id)
    assert bound.subject == f"s{came.pop()}"
    await store.identities.put(bound, alone=True)
    with pytest.raises(Conflict):
        await store.identities.put(Identity(bound.provider, "s9", ann.id), alone=True)
