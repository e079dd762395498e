"""A token that was checked is kept for a while, and whom it means follows the store."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest
from gateway_auth_oidc.authenticator import USER_SECONDS, TokenAuthenticator
from gateway_auth_oidc.settings import PAUSE, AuthOidc, Oidc
from openid_door import Door, Open, inbound
from openid_issuer import AUDIENCE, OpenIdIssuer

from gateway import Credential, Page, Secret, Services, Settings, Store, Unauthenticated, Unavailable, User, Users

KEPT = AuthOidc().kept


class Switch(Users):
    """The store's users, which count how often they are asked, and can be down, gone or others."""

    def __init__(self, users: Users) -> None:
        self._users = users
        self.asked = 0
        self.down = self.gone = False
        self.role: str | None = None
        self.held: asyncio.Event | None = None

    async def find(self, name_or_email: str) -> User | None:
        return await self._seen(self._users.find(name_or_email))

    async def get(self, user_id: str) -> User | None:
        return await self._seen(self._users.get(user_id))

    async def _seen(self, asking: Coroutine[Any, Any, User | None]) -> User | None:
        found = await asking
        self.asked += 1
        if self.held is not None:
            await self.held.wait()
        if self.down:
            raise Unavailable("The store is down.")
        if found is None or self.gone:
            return None
        return found if self.role is None else User(found.id, found.name, found.email, self.role, found.groups)

    async def create(self, name: str, email: str = "", role: str = "USER", groups: Sequence[str] = ()) -> User:
        return await self._users.create(name, email, role, groups)

    async def list(self) -> Sequence[User]:
        return await self._users.list()

    async def count(self) -> int:
        return await self._users.count()

    async def page(self, limit: int = 100, after: str = "", search: str = "") -> Page[User]:
        return await self._users.page(limit, after, search)

    async def update(self, user_id: str, **changes: Any) -> User:
        return await self._users.update(user_id, **changes)

    async def delete(self, user_id: str) -> bool:
        return await self._users.delete(user_id)


@pytest.fixture
def users(store: Store) -> Switch:
    """To be asked for before the door."""
    store.users = switch = Switch(store.users)
    return switch


async def test_a_token_is_checked_once_and_kept_for_the_stated_time(users: Switch, opened: Open) -> None:
    """Told by a key that is not there any more: a second check would find that."""
    door = opened(AuthOidc(renew=PAUSE, stale=0))
    token = door.issuer.token()
    first = await door.ask(token)
    door.issuer.rotate(keep=False)
    door.clock.go(KEPT - 1)
    assert await door.ask(token) == first
    door.clock.go(1)
    with pytest.raises(Unauthenticated, match="does not publish"):
        await door.ask(token)


async def test_without_a_time_to_keep_it_is_checked_each_time(users: Switch, opened: Open) -> None:
    door = opened(AuthOidc(kept=0))
    token = door.issuer.token()
    for _ in range(3):
        assert await door.ask(token)
    assert users.asked == 3


async def test_a_kept_token_asks_nobody(users: Switch, opened: Open) -> None:
    door = opened()
    token = door.issuer.token()
    for _ in range(100):
        assert await door.ask(token)
    assert users.asked == 1
    assert len(door.issuer.upstream.arrived) == 2


async def test_another_token_with_the_same_beginning_is_another(users: Switch, opened: Open) -> None:
    door = opened()
    token = door.issuer.token()
    assert await door.ask(token)
    for changed in (token[:-2] + ("AA" if token[-2:] != "AA" else "BB"), token + "A"):
        with pytest.raises(Unauthenticated):
            await door.ask(changed)


async def test_a_kept_token_ends_when_it_expires(users: Switch, opened: Open) -> None:
    door = opened(AuthOidc(leeway=5))
    token = door.issuer.token(exp=int(door.clock.epoch()) + 10)
    assert await door.ask(token)
    door.clock.go(13)
    assert await door.ask(token)
    door.clock.go(3)
    with pytest.raises(Unauthenticated, match="The token expired at") as caught:
        await door.ask(token)
    assert caught.value.code == "token_expired"


async def test_a_bad_token_is_not_kept(users: Switch, opened: Open) -> None:
    door = opened()
    users.gone = True
    token = door.issuer.token()
    with pytest.raises(Unauthenticated):
        await door.ask(token)
    users.gone = False
    assert await door.ask(token)


async def test_a_change_of_the_user_is_felt_within_the_stated_time(users: Switch, opened: Open) -> None:
    door = opened()
    token = door.issuer.token()
    principal = await door.ask(token)
    assert principal is not None
    assert not principal.is_admin
    users.role = "ADMIN"
    door.clock.go(USER_SECONDS)
    changed = await door.ask(token)
    assert changed is not None
    assert changed.is_admin
    users.gone = True
    door.clock.go(USER_SECONDS)
    with pytest.raises(Unauthenticated, match="nobody here is known"):
        await door.ask(token)
    with pytest.raises(Unauthenticated, match="nobody here is known"):
        await door.ask(token)


async def test_while_one_asks_the_store_again_the_others_go_on(users: Switch, opened: Open) -> None:
    door = opened()
    token = door.issuer.token()
    assert await door.ask(token)
    users.held = asyncio.Event()
    door.clock.go(USER_SECONDS)
    asking = asyncio.create_task(door.ask(token))
    await asyncio.sleep(0)
    for _ in range(20):
        assert await door.ask(token)
    assert users.asked == 2
    users.held.set()
    assert await asking


async def test_while_the_store_is_down_known_tokens_last_for_their_minute_and_others_wait(
    users: Switch, opened: Open
) -> None:
    door = opened()
    token = door.issuer.token()
    assert await door.ask(token)
    users.down = True
    for _ in range(int(KEPT / 10)):
        assert await door.ask(token)
        with pytest.raises(Unavailable):
            await door.ask(door.issuer.token(jti="other"))
        door.clock.go(10)
    with pytest.raises(Unavailable):
        await door.ask(token)
    users.down = False
    assert await door.ask(token)


async def test_an_address_is_a_users_in_any_case(door: Door) -> None:
    for address in ("ANN@example.org", "ann@EXAMPLE.ORG", " ann@example.org "):
        assert await door.ask(door.issuer.token(email=address))


async def test_the_first_claim_that_is_there_counts(door: Door) -> None:
    ann, eve = "ann@example.org", "eve@example.org"
    assert await door.ask(door.issuer.token(email=None, preferred_username=ann, upn=eve))
    assert await door.ask(door.issuer.token(email=None, upn=ann))
    for more in ({"email": eve, "upn": ann}, {"email": None, "preferred_username": eve, "upn": ann}):
        with pytest.raises(Unauthenticated, match="nobody here is known"):
            await door.ask(door.issuer.token(sub="other", **more))


async def test_librechats_variable_names_a_claim_that_counts_before(opened: Open, issuer: OpenIdIssuer) -> None:
    door = opened(environ={"OPENID_EMAIL_CLAIM": " mail "})
    assert await door.ask(issuer.token(email="eve@example.org", mail="ann@example.org"))
    assert await door.ask(issuer.token(mail=["x"])), "the others follow"
    with pytest.raises(Unauthenticated, match="nobody here is known"):
        await door.ask(issuer.token(sub="other", mail="eve@example.org"))


@pytest.mark.parametrize("claim", ["email", "preferred_username", "upn", "sub", "oid", "name"])
async def test_a_name_in_a_token_is_no_users_name(store: Store, door: Door, claim: str) -> None:
    admin = await store.users.create("admin", role="ADMIN")
    for name in ("admin", admin.id):
        with pytest.raises(Unauthenticated, match="nobody here is known"):
            await door.ask(door.issuer.token(**{"email": None, claim: name}))


async def test_a_name_that_looks_like_an_address_is_no_address(store: Store, door: Door) -> None:
    await store.users.create("eve@example.org", role="ADMIN")
    with pytest.raises(Unauthenticated, match="nobody here is known"):
        await door.ask(door.issuer.token(email="eve@example.org"))


async def test_no_address_is_nobodys(store: Store, door: Door) -> None:
    await store.users.create("", role="ADMIN")
    for email in (None, "", " "):
        with pytest.raises(Unauthenticated, match="nobody here is known"):
            await door.ask(door.issuer.token(email=email))


async def test_the_settings_say_whose_subject_it_is(store: Store, opened: Open, issuer: OpenIdIssuer) -> None:
    bob = await store.users.create("bob", "bob@example.org", "ADMIN")
    named = {"robot": "bob", "0-1-2": bob.id, "third": "bob@example.org", "gone": "nobody"}
    door = opened(AuthOidc(users=named))
    for more in ({"sub": "robot"}, {"oid": "0-1-2"}, {"sub": "third", "email": None}, {"sub": "robot", "oid": "gone"}):
        principal = await door.ask(issuer.token(**more))
        assert principal is not None
        assert (principal.name, principal.is_admin) == ("bob", True)
    other = await door.ask(issuer.token(sub="Robot"))
    assert other is not None
    assert other.name == "ann", "another subject is known by its address"
    with pytest.raises(Unauthenticated, match="not known here any more"):
        await door.ask(issuer.token(sub="gone"))


async def test_a_disabled_user_is_let_in_by_no_token(store: Store, opened: Open, issuer: OpenIdIssuer) -> None:
    door = opened(AuthOidc(users={"robot": "ann"}, kept=0))
    ann = await store.users.find("ann")
    assert ann is not None
    for disabled in (True, False):
        await store.users.update(ann.id, disabled=disabled)
        for more in ({}, {"sub": "robot"}):
            if disabled:
                with pytest.raises(Unauthenticated, match="is disabled"):
                    await door.ask(issuer.token(**more))
            else:
                assert await door.ask(issuer.token(**more)) is not None


async def test_what_a_token_says_of_roles_and_groups_means_nothing(door: Door) -> None:
    token = door.issuer.token(roles=["ADMIN"], role="ADMIN", groups=["poets"], realm_access={"roles": ["ADMIN"]})
    principal = await door.ask(token)
    assert principal is not None
    assert (principal.role, principal.groups) == ("TEAM", ("ops",))


async def test_without_a_store_nobody_is_known(services: Services, issuer: OpenIdIssuer) -> None:
    settings = Settings({Oidc: Oidc(enabled=True, issuer=issuer.url, audience=AUDIENCE)}, {}, frozenset())
    authenticator = TokenAuthenticator.of(settings, dataclasses.replace(services, store=None))
    with pytest.raises(Unavailable, match="install plugins/store-sql"):
        await authenticator.authenticate(inbound(), Credential("bearer", Secret(issuer.token())))
