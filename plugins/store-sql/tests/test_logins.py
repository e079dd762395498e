"""Passwords, tokens by mail, second factors: what proves somebody is taken once, and a new password ends the rest."""

from __future__ import annotations

import asyncio

import pytest
from places import Place

from gateway import Conflict, NotFound, Secret, Store
from gateway.logins import Login, Logins, Session

HASH, OTHER = Secret("$argon2id$first"), Secret("$argon2id$second")


@pytest.fixture
def logins(store: Store) -> Logins:
    assert store.logins is not None
    return store.logins


async def joined(logins: Logins, email: str = "ann@example.org") -> str:
    return await logins.register(email, Login("", HASH, "Ann Ö.", "ann", verified=True, since=5.5))


async def test_who_registers_is_a_user_named_by_the_address(store: Store, logins: Logins) -> None:
    revision = await store.keys.revision()
    user_id = await joined(logins, "Ann@Example.org")
    user = await store.users.get(user_id)
    assert user is not None
    assert (user.name, user.email, user.groups) == ("ann@example.org", "ann@example.org", ())
    assert await logins.get(user_id) == Login(user_id, HASH, "Ann Ö.", "ann", verified=True, since=5.5)
    assert await store.keys.revision() > revision
    assert await logins.get("usr_nobody") is None


@pytest.mark.parametrize("others", [(), ("admin",), ("admin", "bob"), ("bob",)])
async def test_the_first_is_an_admin_and_whom_the_gateway_made_does_not_count(
    store: Store, logins: Logins, others: tuple[str, ...]
) -> None:
    for name in others:
        await store.users.create(name)
    first = await store.users.get(await logins.register("a@example.org", Login("", HASH), ("admin",)))
    second = await store.users.get(await logins.register("b@example.org", Login("", HASH), ("admin",)))
    assert first is not None
    assert second is not None
    assert (first.role, second.role) == ("USER" if "bob" in others else "ADMIN", "USER")


async def test_of_many_who_register_first_one_is_the_admin(place: Place, store: Store, logins: Logins) -> None:
    other = place.store()
    await other.open()
    assert other.logins is not None
    both = [(logins if number % 2 else other.logins) for number in range(8)]
    await asyncio.gather(*(one.register(f"u{n}@example.org", Login("", HASH)) for n, one in enumerate(both)))
    assert sorted(user.role for user in await store.users.list()) == ["ADMIN", *["USER"] * 7]
    await other.close()


async def test_an_address_is_one_users_whether_it_is_name_or_address(store: Store, logins: Logins) -> None:
    await joined(logins)
    await store.users.create("bob", "bob@example.org")
    await store.users.create("eve@example.org")
    for taken in ("ANN@example.org", "bob@example.org", "eve@example.org"):
        with pytest.raises(Conflict):
            await joined(logins, taken)
    assert await store.users.count() == 3
    results = await asyncio.gather(*(joined(logins, "new@example.org") for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(result, Conflict) for result in results) == 3


async def test_a_login_of_elsewhere_is_kept_as_it_is(store: Store, logins: Logins) -> None:
    user = await store.users.create("ann")
    whole = Login(user.id, Secret("$2b$10$x"), "Ann", "ann", True, 7.25, 8.5, b"\x00sealed", True, ("c1", "c2"))
    await logins.put(whole)
    assert await logins.get(user.id) == whole
    less = Login(user.id, OTHER)
    await logins.put(less)
    assert await logins.get(user.id) == less
    with pytest.raises(NotFound):
        await logins.put(Login("usr_nobody"))


async def test_a_password_that_is_kept_better_stays_the_same_one(logins: Logins) -> None:
    user_id = await joined(logins)
    await logins.begin(Session("ses_1", user_id, "d1", 4e9))
    await logins.rehash(user_id, OTHER, Secret("lost"))
    assert ((await logins.get(user_id)) or Login("")).password == HASH
    await logins.rehash(user_id, HASH, OTHER)
    found = await logins.get(user_id)
    assert found is not None
    assert (found.password, found.since) == (OTHER, 5.5)
    assert await logins.session("ses_1") is not None


async def test_another_password_ends_sessions_and_tokens(store: Store, logins: Logins) -> None:
    user_id = await joined(logins)
    bob = (await store.users.create("bob")).id
    for number, owner in enumerate((user_id, user_id, bob)):
        await logins.begin(Session(f"ses_{number}", owner, "d", 4e9))
    await logins.put_token(user_id, "reset", "t", 4e9)
    await logins.set_password(user_id, OTHER, 9.0)
    found = await logins.get(user_id)
    assert found is not None
    assert (found.password, found.since, found.name) == (OTHER, 9.0, "Ann Ö.")
    assert [await logins.session(f"ses_{number}") is None for number in range(3)] == [True, True, False]
    assert not await logins.reset(user_id, "t", HASH, 10.0)
    await logins.set_password(bob, HASH, 1.0)
    assert ((await logins.get(bob)) or Login("")).password == HASH
    with pytest.raises(NotFound):
        await logins.set_password("usr_nobody", HASH, 1.0)


async def test_a_token_resets_once_in_its_time_for_its_user_and_purpose(store: Store, logins: Logins) -> None:
    user_id = await logins.register("ann@example.org", Login("", HASH))
    bob = (await store.users.create("bob")).id
    await logins.put_token(user_id, "verify", "v", 100.0)
    await logins.put_token(user_id, "reset", "first", 100.0)
    await logins.put_token(user_id, "reset", "t", 100.0)
    for who, digest, at in ((user_id, "v", 1.0), (user_id, "first", 1.0), (bob, "t", 1.0), (user_id, "t", 100.0)):
        assert not await logins.reset(who, digest, OTHER, at)
    assert ((await logins.get(user_id)) or Login("")).password == HASH
    tries = await asyncio.gather(*(logins.reset(user_id, "t", OTHER, 99.0) for _ in range(4)))
    assert sorted(tries) == [False, False, False, True]
    found = await logins.get(user_id)
    assert found is not None
    assert (found.password, found.since, found.verified) == (OTHER, 99.0, True)


async def test_a_token_verifies_an_address_once(logins: Logins) -> None:
    user_id = await logins.register("ann@example.org", Login("", HASH))
    await logins.put_token(user_id, "verify", "v", 100.0)
    assert not await logins.verify(user_id, "v", 101.0)
    assert await logins.verify(user_id, "v", 99.0)
    assert not await logins.verify(user_id, "v", 99.0)
    assert ((await logins.get(user_id)) or Login("")).verified


async def test_a_second_factor_counts_once_it_is_confirmed(logins: Logins) -> None:
    user_id = await joined(logins)
    assert not await logins.confirm(user_id, 5)
    assert await logins.enroll(user_id, b"one", ["a"])
    assert await logins.enroll(user_id, b"two\x00", ["b", "c"])
    waiting = await logins.get(user_id)
    assert waiting is not None
    assert (waiting.totp, waiting.two_factor, waiting.codes) == (b"two\x00", False, ("b", "c"))
    assert await logins.confirm(user_id, 5)
    assert not await logins.enroll(user_id, b"three", [])
    confirmed = await logins.get(user_id)
    assert confirmed is not None
    assert (confirmed.totp, confirmed.two_factor) == (b"two\x00", True)
    assert await logins.drop_second_factor(user_id)
    assert not await logins.drop_second_factor(user_id)
    dropped = await logins.get(user_id)
    assert dropped is not None
    assert (dropped.totp, dropped.two_factor, dropped.codes) == (None, False, ())


async def test_a_step_and_a_backup_code_are_taken_once_however_many_come(logins: Logins) -> None:
    user_id = await joined(logins)
    await logins.enroll(user_id, b"s", ["a", "b"])
    assert await logins.confirm(user_id, 5)
    assert not await logins.use_step(user_id, 5)
    assert not await logins.use_step(user_id, 4)
    assert sorted(await asyncio.gather(*(logins.use_step(user_id, 6) for _ in range(4)))) == [False] * 3 + [True]
    assert sorted(await asyncio.gather(*(logins.use_code(user_id, "a", 7.0) for _ in range(4)))) == [False] * 3 + [True]
    assert not await logins.use_code(user_id, "z", 7.0)
    assert ((await logins.get(user_id)) or Login("")).codes == ("b",)
    await logins.replace_codes(user_id, ["x", "y"])
    assert ((await logins.get(user_id)) or Login("")).codes == ("x", "y")
    assert not await logins.use_code(user_id, "b", 7.0)


async def test_terms_are_accepted_by_whoever_there_is(store: Store, logins: Logins) -> None:
    user = await store.users.create("ann")
    await logins.accept_terms(user.id, 8.5)
    found = await logins.get(user.id)
    assert found is not None
    assert (found.terms, found.password) == (8.5, Secret(""))


async def test_a_deleted_user_leaves_nothing(place: Place, store: Store, logins: Logins) -> None:
    user_id = await joined(logins)
    await logins.enroll(user_id, b"s", ["a"])
    await logins.begin(Session("ses_1", user_id, "d", 4e9))
    await logins.put_token(user_id, "reset", "t", 4e9)
    assert await store.users.delete(user_id)
    assert await logins.get(user_id) is None
    assert await logins.session("ses_1") is None
    rows = place.rows()
    assert {name: rows[name] for name in ("logins", "sessions", "backup_codes", "login_tokens")} == {
        "logins": [],
        "sessions": [],
        "backup_codes": [],
        "login_tokens": [],
    }
    await joined(logins)
