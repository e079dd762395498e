"""A trusted key is used for whom its header names; with any other key the header says nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from gateway_auth_keys.authenticator import KeyAuthenticator
from gateway_auth_keys.cache import KeyCache
from gateway_auth_keys.named_users import NamedUsers, named_users
from gateway_auth_keys.settings import AuthKeys

from gateway import BadCall, Conflict, Forbidden, Inbound, Principal, Scopes, Store, Unavailable, User

TEXT = "sk-" + "0123456789abcdef" * 4
HEADER = "X-OpenWebUI-User-Id"
Shown = Callable[[str], Any]
Asked = Callable[..., Any]


@pytest.fixture
def cache() -> KeyCache:
    found = KeyCache(grace=60.0)
    found.prove(found.clock())
    return found


@pytest.fixture
def asked(store: Store, cache: KeyCache, inbound: Inbound, shown: Shown) -> Asked:
    """`await asked("ann", most=…)`: the principal of a request whose header says so."""

    async def ask(name: str | None, header: str | None = HEADER, most: int = 10) -> Principal:
        named = named_users(store, AuthKeys(user_header=header, most_users=most))
        authenticator = KeyAuthenticator(store, cache, lambda: 1000.0, None, named)
        headers = {} if name is None else {HEADER.lower(): name}
        principal = await authenticator.authenticate(msgspec.structs.replace(inbound, headers=headers), shown(TEXT))
        assert principal is not None
        return principal

    return ask


async def test_a_new_user_is_made_once_as_a_user(store: Store, asked: Asked, add_key: Any) -> None:
    key = await add_key(store, TEXT, role="ADMIN", scopes=Scopes(models=("m",)), trusted=True)
    for _ in range(2):
        principal = await asked(" 5f2c-uuid ")
        assert (principal.name, principal.role, principal.email, principal.groups) == ("5f2c-uuid", "USER", "", ())
        assert (principal.key_id, principal.scopes) == (key.id, Scopes(models=("m",)))
    assert [user.name for user in await store.users.list()] == ["5f2c-uuid", "ann"]
    assert (await asked("eve@example.org")).email == "eve@example.org"


async def test_a_known_user_is_found_by_id_name_and_address(store: Store, asked: Asked, add_key: Any) -> None:
    await add_key(store, TEXT, trusted=True)
    bob = await store.users.create("bob", "bob@example.org", "MODERATOR", ["ops"])
    for name in (bob.id, "bob", "Bob@Example.org"):
        principal = await asked(name)
        assert (principal.user_id, principal.role, principal.groups) == (bob.id, "MODERATOR", ("ops",))
    assert await store.users.count() == 2


async def test_nobody_becomes_an_admin_by_a_header(store: Store, asked: Asked, add_key: Any) -> None:
    await add_key(store, TEXT, role="ADMIN", trusted=True)
    root = await store.users.create("root", "root@example.org", "ADMIN")
    for name in (root.id, "root", "root@example.org"):
        principal = await asked(name)
        assert (principal.user_id, principal.role) == (root.id, "USER")


@pytest.mark.parametrize("trusted", [True, False])
async def test_without_trust_a_header_or_its_setting_the_owner_is_meant(
    store: Store, asked: Asked, add_key: Any, trusted: bool
) -> None:
    await add_key(store, TEXT, role="ADMIN", trusted=trusted)
    owner = Principal("", "ADMIN", "ann")
    for name, header in ((None, HEADER), ("", HEADER), ("eve", None), ("eve", HEADER if not trusted else None)):
        principal = await asked(name, header)
        assert (principal.name, principal.role) == (owner.name, owner.role)
    assert await store.users.count() == 1


async def test_only_so_many_users_are_made_and_known_ones_go_on(store: Store, asked: Asked, add_key: Any) -> None:
    await add_key(store, TEXT, trusted=True)
    assert (await asked("one", most=2)).name == "one"
    with pytest.raises(Forbidden, match=r"2 already \(gateway\.auth-keys\.most_users\)"):
        await asked("two", most=2)
    assert (await asked("one", most=2)).name == "one"
    assert (await asked("ann", most=0)).name == "ann"
    assert await store.users.count() == 2


@pytest.mark.parametrize("name", ["a\nb", "x" * 201, "\udcff", "nul\0"])
async def test_what_is_no_name_is_refused(store: Store, asked: Asked, add_key: Any, name: str) -> None:
    await add_key(store, TEXT, trusted=True)
    with pytest.raises(BadCall, match="x-openwebui-user-id"):
        await asked(name)
    assert await store.users.count() == 1


async def test_first_requests_at_once_make_one_user(store: Store, other_worker: Store, add_key: Any) -> None:
    named = [NamedUsers(one.users, HEADER, 10) for one in (store, other_worker) * 4]
    found: list[User] = await asyncio.gather(*(one.find("new") for one in named))
    assert len({user.id for user in found}) == 1
    assert await store.users.count() == 1


async def test_a_lost_race_is_told_only_where_nobody_is_found(store: Store) -> None:
    class Odd:
        async def get(self, user_id: str) -> None: ...

        async def find(self, name: str) -> None: ...

        async def count(self) -> int:
            return 0

        async def create(self, name: str, email: str) -> None:
            raise Conflict("taken")

    with pytest.raises(Conflict):
        await NamedUsers(Odd(), HEADER, 10).find("x")  # type: ignore[arg-type]


async def test_a_known_user_is_not_looked_for_again_and_outlasts_the_store_for_the_grace(
    store: Store, cache: KeyCache, switch: Any, asked: Asked, add_key: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_key(store, TEXT, trusted=True)
    await store.users.create("bob")
    first = await asked("bob")

    async def away(*_: Any) -> None:
        raise Unavailable("The store is down.")

    monkeypatch.setattr(store.users, "get", away)
    assert await asked("bob") == first
    switch.down = True
    cache.miss()
    assert await asked("bob") == first
    with pytest.raises(Unavailable):
        await asked("eve")
    cache.clear()
    with pytest.raises(Unavailable):
        await asked("bob")


async def test_a_disabled_user_is_not_spoken_for(store: Store, cache: KeyCache, asked: Asked, add_key: Any) -> None:
    await add_key(store, TEXT, trusted=True)
    bob = await store.users.create("bob")
    assert (await asked("bob")).user_id == bob.id
    await store.users.update(bob.id, disabled=True)
    cache.clear()
    with pytest.raises(Forbidden, match="disabled"):
        await asked("bob")
