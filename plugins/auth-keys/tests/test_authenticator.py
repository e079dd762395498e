"""A key proves its owner until it is revoked or expires, and its text is never logged."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from typing import Any

import pytest
from gateway_auth_keys.authenticator import KeyAuthenticator
from gateway_auth_keys.cache import KNOWN_SECONDS, TRUSTED_SECONDS, UNKNOWN_SIZE, KeyCache
from gateway_auth_keys.key import digest
from gateway_auth_keys.operator_key import operator_key

from gateway import Credential, Inbound, Principal, Secret, Settings, SettingsError, Store, Unauthenticated, Unavailable

TEXT = "sk-" + "0123456789abcdef" * 4
Shown = Callable[[str], Credential]


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> KeyCache:
    cache = KeyCache(clock)
    cache.prove(clock.now)
    return cache


async def test_a_key_is_its_owner(
    store: Store, cache: KeyCache, clock: Clock, inbound: Inbound, shown: Shown, add_key: Any
) -> None:
    key = await add_key(store, TEXT, role="ADMIN")
    principal = await KeyAuthenticator(store, cache, clock).authenticate(inbound, shown(TEXT))
    assert principal == Principal(key.user_id, "ADMIN", "ann", "ann@example.org", ("ops",), key.id, "laptop")
    await store.usage.flush()
    assert (await store.keys.list())[0].last_used == clock.now


@pytest.mark.parametrize(
    "text", ["", "sk-", "sk-" + "a" * 254, f"{TEXT} ", "sk-\u00e9", "x" * 10**6, "eyJhbGciOi", "\udcff"]
)
async def test_what_is_no_key_is_not_ours_and_costs_no_look_up(
    switch: Any, store: Store, cache: KeyCache, clock: Clock, inbound: Inbound, shown: Shown, text: str
) -> None:
    authenticator = KeyAuthenticator(store, cache, clock, Secret("operator-operator"))
    assert await authenticator.authenticate(inbound, shown(text)) is None
    assert await authenticator.authenticate(inbound, None) is None
    assert switch.finds == 0


async def test_an_unknown_key_is_asked_for_once(
    switch: Any, store: Store, cache: KeyCache, clock: Clock, inbound: Inbound, shown: Shown
) -> None:
    authenticator = KeyAuthenticator(store, cache, clock)
    for _ in range(3):
        assert await authenticator.authenticate(inbound, shown(TEXT)) is None
    assert switch.finds == 1


async def test_a_known_key_is_asked_for_once_a_minute(
    switch: Any, store: Store, cache: KeyCache, clock: Clock, inbound: Inbound, shown: Shown, add_key: Any
) -> None:
    await add_key(store, TEXT)
    authenticator = KeyAuthenticator(store, cache, clock)
    for seconds in (0, 30, 29, 2):
        clock.now += seconds
        cache.prove(clock.now)
        assert await authenticator.authenticate(inbound, shown(TEXT))
    assert switch.finds == 2


async def test_a_flood_of_unknown_keys_displaces_no_known_one(
    switch: Any, store: Store, cache: KeyCache, clock: Clock, inbound: Inbound, shown: Shown, add_key: Any
) -> None:
    await add_key(store, TEXT)
    authenticator = KeyAuthenticator(store, cache, clock)
    await authenticator.authenticate(inbound, shown(TEXT))
    for number in range(UNKNOWN_SIZE + 10):
        await authenticator.authenticate(inbound, shown(f"sk-{number:064x}"))
    finds = switch.finds
    assert await authenticator.authenticate(inbound, shown(TEXT))
    assert switch.finds == finds


async def test_an_ended_key_says_why_also_when_it_ends_while_cached(
    store: Store, cache: KeyCache, clock: Clock, inbound: Inbound, shown: Shown, add_key: Any
) -> None:
    await add_key(store, TEXT, expires=clock.now + 1)
    authenticator = KeyAuthenticator(store, cache, clock)
    assert await authenticator.authenticate(inbound, shown(TEXT))
    clock.now += 1
    with pytest.raises(Unauthenticated, match=r"expired at 2023-11-14 22:13 UTC") as caught:
        await authenticator.authenticate(inbound, shown(TEXT))
    assert caught.value.code == "invalid_api_key"
    assert TEXT[3:] not in caught.value.public


async def test_a_revocation_that_lies_ahead_comes_true(
    store: Store, cache: KeyCache, clock: Clock, inbound: Inbound, shown: Shown, add_key: Any
) -> None:
    key = await add_key(store, TEXT)
    await store.keys.revoke(key.id, clock.now + 1)
    authenticator = KeyAuthenticator(store, cache, clock)
    assert await authenticator.authenticate(inbound, shown(TEXT))
    clock.now += 1
    with pytest.raises(Unauthenticated, match="was revoked"):
        await authenticator.authenticate(inbound, shown(TEXT))


async def test_without_a_fresh_proof_the_store_is_asked_and_its_failure_told(
    switch: Any, store: Store, cache: KeyCache, clock: Clock, inbound: Inbound, shown: Shown, add_key: Any
) -> None:
    await add_key(store, TEXT)
    authenticator = KeyAuthenticator(store, cache, clock)
    assert await authenticator.authenticate(inbound, shown(TEXT))
    switch.down = True
    clock.now += TRUSTED_SECONDS
    assert await authenticator.authenticate(inbound, shown(TEXT))
    clock.now += 0.01
    with pytest.raises(Unavailable):
        await authenticator.authenticate(inbound, shown(TEXT))
    assert TRUSTED_SECONDS < 2


GRACE = 300.0


async def test_a_known_key_is_taken_without_the_store_for_the_grace_and_no_longer(
    switch: Any, store: Store, clock: Clock, inbound: Inbound, shown: Shown, add_key: Any
) -> None:
    await add_key(store, TEXT)
    cache = KeyCache(clock, GRACE)
    cache.prove(clock.now)
    authenticator = KeyAuthenticator(store, cache, clock)
    assert await authenticator.authenticate(inbound, shown(TEXT))
    clock.now += KNOWN_SECONDS - 1
    cache.prove(proven := clock.now)
    switch.down = True
    clock.now = proven + 1.1
    assert await authenticator.authenticate(inbound, shown(TEXT)), "it was to be asked for again just then"
    cache.miss()
    finds = switch.finds
    for seconds in (TRUSTED_SECONDS + 0.01, GRACE / 2, GRACE - 0.01):
        clock.now = proven + seconds
        assert await authenticator.authenticate(inbound, shown(TEXT))
    assert switch.finds == finds, "nobody waits for a store that is away"
    clock.now = proven + GRACE + 0.01
    with pytest.raises(Unavailable):
        await authenticator.authenticate(inbound, shown(TEXT))


async def test_without_the_store_a_key_that_is_not_known_is_asked_for_and_refused(
    switch: Any, store: Store, clock: Clock, inbound: Inbound, shown: Shown, add_key: Any
) -> None:
    await add_key(store, TEXT)
    cache = KeyCache(clock, GRACE)
    cache.prove(clock.now)
    cache.miss()
    switch.down = True
    clock.now += TRUSTED_SECONDS + 1
    with pytest.raises(Unavailable):
        await KeyAuthenticator(store, cache, clock).authenticate(inbound, shown(TEXT))


async def test_without_the_store_a_known_key_still_ends_when_it_was_to_end(
    switch: Any, store: Store, clock: Clock, inbound: Inbound, shown: Shown, add_key: Any
) -> None:
    key = await add_key(store, TEXT, expires=clock.now + 200)
    await store.keys.revoke(key.id, clock.now + 100)
    cache = KeyCache(clock, GRACE)
    cache.prove(clock.now)
    authenticator = KeyAuthenticator(store, cache, clock)
    assert await authenticator.authenticate(inbound, shown(TEXT))
    switch.down = True
    cache.miss()
    clock.now += 99
    assert await authenticator.authenticate(inbound, shown(TEXT))
    clock.now += 1
    with pytest.raises(Unauthenticated, match="was revoked"):
        await authenticator.authenticate(inbound, shown(TEXT))


async def test_a_cache_that_was_cleared_has_nothing_for_the_grace(clock: Clock, cache: KeyCache) -> None:
    graceful = KeyCache(clock, GRACE)
    graceful.prove(clock.now)
    graceful.put("d", None, 0)
    graceful.clear()
    graceful.miss()
    assert graceful.left() == 0
    assert graceful.get("d") == (False, None)
    assert cache.left() == 0


async def test_an_answer_from_before_a_clearing_is_not_cached(
    store: Store, cache: KeyCache, clock: Clock, inbound: Inbound, shown: Shown, add_key: Any
) -> None:
    await add_key(store, TEXT)
    found = store.keys.find

    async def slow(digest: str) -> Any:
        row = await found(digest)
        cache.clear()
        cache.prove(clock.now)
        return row

    store.keys.find = slow  # type: ignore[method-assign]
    await KeyAuthenticator(store, cache, clock).authenticate(inbound, shown(TEXT))
    known, _ = cache.get("anything")
    assert not known
    assert not cache._known


async def test_the_operators_key_works_without_a_store(
    cache: KeyCache, clock: Clock, inbound: Inbound, shown: Shown
) -> None:
    authenticator = KeyAuthenticator(None, cache, clock, Secret("a-key-of-my-own-making"))
    principal = await authenticator.authenticate(inbound, shown("a-key-of-my-own-making"))
    assert principal is not None
    assert (principal.user_id, principal.role, principal.key_label) == ("operator", "ADMIN", "GATEWAY_API_KEY")
    assert await authenticator.authenticate(inbound, shown(TEXT)) is None
    assert await authenticator.authenticate(inbound, shown("a-key-of-my-own-makinG")) is None


async def test_no_key_is_ever_logged(
    store: Store,
    cache: KeyCache,
    clock: Clock,
    inbound: Inbound,
    shown: Shown,
    add_key: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    await add_key(store, TEXT, expires=1.0)
    authenticator = KeyAuthenticator(store, cache, clock, Secret("a-key-of-my-own-making"))
    for text in (TEXT, "sk-" + "f" * 64, "a-key-of-my-own-making"):
        with contextlib.suppress(Unauthenticated):
            await authenticator.authenticate(inbound, shown(text))
    assert not [line for line in caplog.messages if TEXT[8:] in line or "f" * 56 in line or "my-own" in line]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("short", "5 characters"),
        ("with a space in it", "spaces"),
        ("schlüssel-schlüssel", "no HTTP header"),
        ("a" * 16 + "\n", ""),
    ],
)
def test_a_bad_operator_key_stops_the_start_without_being_shown(text: str, why: str) -> None:
    with pytest.raises(SettingsError, match=f"GATEWAY_API_KEY.*{why}") as caught:
        operator_key(Settings({}, {"GATEWAY_API_KEY": text}, frozenset()))
    assert text not in str(caught.value)


def test_no_operator_key_is_none() -> None:
    assert operator_key(Settings({}, {"GATEWAY_API_KEY": ""}, frozenset())) is None
    assert operator_key(Settings({}, {"GATEWAY_API_KEY": "x" * 16}, frozenset())) == Secret("x" * 16)


async def test_the_keys_of_a_disabled_user_answer_as_revoked_ones(
    store: Store, cache: KeyCache, clock: Clock, inbound: Inbound, shown: Shown, add_key: Any
) -> None:
    key = await add_key(store, TEXT)
    authenticator = KeyAuthenticator(store, cache, clock)
    assert await authenticator.authenticate(inbound, shown(TEXT)) is not None
    await store.users.update(key.user_id, disabled=True)
    cache.clear()
    clock.now = 4e9
    cache.prove(clock.now)
    for _ in range(2):  # asked, then cached
        with pytest.raises(Unauthenticated, match="was revoked"):
            await authenticator.authenticate(inbound, shown(TEXT))
    await store.users.update(key.user_id, disabled=False)
    cache.clear()
    assert await authenticator.authenticate(inbound, shown(TEXT)) is not None
    await store.users.delete(key.user_id)
    cache.clear()
    with pytest.raises(Unauthenticated, match="was revoked"):
        await authenticator.authenticate(inbound, shown(TEXT))


async def test_a_key_of_another_form_that_was_imported_lets_in(
    store: Store, cache: KeyCache, clock: Clock, inbound: Inbound, shown: Shown
) -> None:
    """As LiteLLM's."""
    text = "sk-aB3_-xyzAB3_-xyzAB3_-x"
    user = await store.users.create("ann")
    await store.keys.create(digest(text), "sk-...3_-x", "", user.id)
    found = await KeyAuthenticator(store, cache, clock).authenticate(inbound, shown(text))
    assert found is not None
    assert found.user_id == user.id
