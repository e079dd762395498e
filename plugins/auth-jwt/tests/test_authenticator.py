"""What is no token of a user who is here lets nobody in, however it is made."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from accounts_gateway import SECRETS
from gateway_auth_jwt.authenticator import JwtAuthenticator
from gateway_auth_jwt.tokens import LONGEST, Tokens, digest

from gateway import (
    MOUNT,
    Credential,
    Identity,
    Inbound,
    Operation,
    Principal,
    Secret,
    Store,
    Unauthenticated,
    Unavailable,
    User,
)
from gateway.logins import Login, Session
from gateway.testing.stores import store_in

SECRET, REFRESH = SECRETS["JWT_SECRET"], SECRETS["JWT_REFRESH_SECRET"]


class Door:
    """An authenticator whose clocks stand still until they are told to go. ahead: by which the wall clock is set."""

    def __init__(self, store: Store, refresh: str = REFRESH) -> None:
        self.began, self.passed, self.ahead = time.time(), 0.0, 0.0
        self.tokens = Tokens(Secret(SECRET), Secret(refresh))
        self.store = store
        self.authenticator = JwtAuthenticator(self.tokens, store, self.clock, lambda: self.passed)

    def clock(self) -> float:
        return self.began + self.passed + self.ahead

    async def ask(self, text: str) -> Principal | None:
        async def nothing() -> bytes:
            return b""

        inbound = Inbound(Operation("generate", "POST", "/x"), MOUNT, {}, {}, {}, "192.0.2.1", nothing)
        return await self.authenticator.authenticate(inbound, Credential("bearer", Secret(text)))

    async def refused(self, text: str) -> str:
        with pytest.raises(Unauthenticated) as caught:
            await self.ask(text)
        assert caught.value.code in ("invalid_token", "token_expired")
        return caught.value.public


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = store_in(tmp_path / "state")
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def door(store: Store) -> Door:
    return Door(store)


@pytest.fixture
async def ann(door: Door) -> User:
    """With a session, ses_ann."""
    user = await door.store.users.create("ann", "ann@example.org", "TEAM", ["ops"])
    assert door.store.logins is not None
    await door.store.logins.put(Login(user.id, since=door.clock() - 100))
    await door.store.logins.begin(Session("ses_ann", user.id, "d", door.clock() + 10_000))
    return user


def of(door: Door, user: User, session: str = "ses_ann") -> str:
    return door.tokens.access(user, "ann", session, door.clock(), 900)


def claims(door: Door, user: User, **more: object) -> dict[str, Any]:
    said = {"id": user.id, "username": "ann", "provider": "local", "email": user.email, "sid": "ses_ann"}
    return {**said, "iat": int(door.clock()), "exp": int(door.clock()) + 900, **more}


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def by_hand(header: object, body: object, secret: str = SECRET, hashed: Any = hashlib.sha256) -> str:
    head = f"{part(header)}.{part(body)}"
    signature = hmac.new(secret.encode(), head.encode(), hashed).digest()
    return f"{head}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


async def test_a_token_is_its_user_with_what_the_store_says(door: Door, ann: User) -> None:
    expected = Principal(ann.id, "TEAM", "ann", "ann@example.org", ("ops",))
    assert await door.ask(of(door, ann)) == expected
    assert await door.ask(by_hand({"alg": "HS256", "typ": "JWT"}, claims(door, ann))) == expected


async def test_another_signature_or_algorithm_is_refused(door: Door, ann: User) -> None:
    good = claims(door, ann)
    changed = of(door, ann).split(".")
    changed[1] = part({**good, "id": "usr_root"})
    for text in (
        by_hand({"alg": "HS256"}, good, "c" * 41),
        by_hand({"alg": "HS256"}, good, REFRESH),
        by_hand({"alg": "HS256"}, good, ""),
        ".".join(changed),
        of(door, ann)[:-8],
        f"{part({'alg': 'none'})}.{part(good)}.",
        by_hand({"alg": "none"}, good),
        by_hand({"alg": "None"}, good),
        by_hand({"alg": "HS512"}, good, hashed=hashlib.sha512),
        by_hand({"alg": "HS384"}, good, hashed=hashlib.sha384),
        by_hand({"alg": "RS256"}, good),
        by_hand({"alg": "ES256"}, good),
        by_hand({"alg": "HS256", "jwk": {"kty": "oct", "k": "eA"}}, good, "x"),
        by_hand({"alg": "HS256", "crit": ["exp"]}, good),
    ):
        await door.refused(text)


async def test_a_token_with_another_public_key_s_text_as_secret_is_refused(door: Door, ann: User) -> None:
    pem = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n"
    await door.refused(by_hand({"alg": "HS256"}, claims(door, ann), pem))


async def test_what_lacks_a_member_or_has_a_strange_one_is_refused(door: Door, ann: User) -> None:
    for more in (
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": True},
        {"iat": None},
        {"id": ""},
        {"id": 7},
        {"id": None},
        {"sid": 7},
        {"sid": "ses_none"},
        {"id": "usr_nobody"},
    ):
        await door.refused(jwt.encode(claims(door, ann, **more), SECRET, "HS256"))
    lacking = {name: value for name, value in claims(door, ann).items() if name != "exp"}
    await door.refused(jwt.encode(lacking, SECRET, "HS256"))


async def test_an_expired_token_is_refused_kept_or_not(door: Door, ann: User) -> None:
    text = of(door, ann)
    assert await door.ask(text) is not None
    door.passed = 901.0
    assert "expired" in await door.refused(text)
    assert "expired" in await Door.refused(_later(door), text)


def _later(door: Door) -> Door:
    other = Door(door.store)
    other.began, other.passed, other.ahead = door.began, door.passed, door.ahead
    return other


@pytest.mark.parametrize("refresh", [REFRESH, SECRET])
async def test_tokens_for_something_else_are_refused_even_with_one_secret_for_all(
    store: Store, ann: User, refresh: str
) -> None:
    door = Door(store, refresh)
    now = door.clock()
    await door.refused(door.tokens.refresh(ann.id, "ses_ann", now, now + 900))
    await door.refused(door.tokens.pending(ann.id, now))


async def test_what_has_not_the_form_of_one_of_ours_is_left_to_others(door: Door, ann: User) -> None:
    text = of(door, ann)
    huge = jwt.encode(claims(door, ann, more="x" * LONGEST), SECRET, "HS256")
    elsewhere = jwt.encode(claims(door, ann, iss="https://issuer.example"), SECRET, "HS256")
    for other in ("sk-" + "0" * 64, f"{text}.x", f"{text}..", "e..", "e.e.e", "", "é.a.b", huge, elsewhere):
        assert await door.ask(other) is None, other[:50]


async def test_a_user_who_is_deleted_or_disabled_is_refused_within_seconds(door: Door, ann: User) -> None:
    text = of(door, ann)
    assert await door.ask(text) is not None
    await door.store.users.update(ann.id, disabled=True)
    assert await door.ask(text) is not None
    door.passed = 2.0
    assert "disabled" in await door.refused(text)
    await door.store.users.update(ann.id, disabled=False)
    assert await door.ask(text) is not None
    await door.store.users.delete(ann.id)
    door.passed = 4.0
    assert "not here any more" in await door.refused(text)


async def test_an_ended_session_takes_its_tokens_along(door: Door, ann: User) -> None:
    text = of(door, ann)
    assert door.store.logins is not None
    assert await door.ask(text) is not None
    await door.store.logins.end("ses_ann")
    door.passed = 2.0
    assert "session has ended" in await door.refused(text)
    bob = await door.store.users.create("bob")
    await door.store.logins.begin(Session("ses_bob", bob.id, digest("x"), door.clock() + 100))
    await door.refused(of(door, ann, "ses_bob"))


async def test_librechats_own_tokens_count_until_the_password_is_another(door: Door, ann: User) -> None:
    """It knows users by other ids, and nothing of sessions."""
    assert door.store.identities is not None
    await door.store.identities.put(Identity("librechat", "65a1b2", ann.id))
    made = claims(door, ann, id="65a1b2")
    del made["sid"]
    text = jwt.encode(made, SECRET, "HS256")
    assert ((await door.ask(text)) or Principal("")).user_id == ann.id
    assert door.store.logins is not None
    await door.store.logins.set_password(ann.id, Secret("x"), door.clock() + 5)
    door.passed = 2.0
    await door.refused(text)
    await door.refused(jwt.encode({**made, "id": "65ffff"}, SECRET, "HS256"))
    await door.refused(jwt.encode({**made, "id": "65a1b2", "sid": "ses_ann"}, SECRET, "HS256"))


async def test_a_wall_clock_that_is_set_moves_the_end_of_tokens_and_nothing_else(door: Door, ann: User) -> None:
    """Forward a token is over early, for as long as the clock is wrong; back it lives on by as much."""
    text = of(door, ann)
    assert await door.ask(text) is not None
    for ahead, refused in ((901.0, True), (0.0, False), (-86_400.0, False), (899.0, False), (901.0, True)):
        door.ahead = ahead
        for one in (door, _later(door)):
            if refused:
                assert "expired" in await one.refused(text)
            else:
                assert await one.ask(text) is not None
    door.ahead = -86_400.0
    assert await door.ask(of(door, ann)) is not None
    await door.store.users.update(ann.id, disabled=True)
    door.passed = 2.0
    assert "disabled" in await door.refused(text)


async def test_a_token_of_librechats_that_is_from_times_to_come_outlasts_no_password(door: Door, ann: User) -> None:
    assert door.store.identities is not None
    assert door.store.logins is not None
    await door.store.identities.put(Identity("librechat", "65a1b2", ann.id))
    for ahead, refused in ((59, False), (62, True), (86_400, True)):
        made = claims(door, ann, id="65a1b2", iat=int(door.clock()) + ahead, exp=int(door.clock()) + 90_000)
        del made["sid"]
        text = jwt.encode(made, SECRET, "HS256")
        if refused:
            assert "session has ended" in await door.refused(text)
        else:
            assert await door.ask(text) is not None


async def test_while_the_store_is_away_known_tokens_go_on_and_others_wait(door: Door, ann: User) -> None:
    known, other = of(door, ann), door.tokens.access(ann, "", "ses_ann", door.clock() - 1, 900)
    assert await door.ask(known) is not None

    async def away(user_id: str) -> User | None:
        raise Unavailable("away")

    door.store.users.get = away  # type: ignore[method-assign]
    door.passed = 2.0
    assert await door.ask(known) is not None
    with pytest.raises(Unavailable):
        await door.ask(other)
