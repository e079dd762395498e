"""Users make, see and revoke their own keys, and nobody else's."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any

import gateway_auth_keys
import msgspec
import pytest
from gateway_auth_keys.key import FORM, digest
from gateway_auth_keys.operator_key import OPERATOR
from gateway_auth_keys.own_keys import MOST

from gateway import (
    MOUNT,
    Answer,
    Inbound,
    Key,
    Operation,
    Principal,
    RemoteAgents,
    Scopes,
    Services,
    Settings,
    Store,
    Unavailable,
    User,
)

NOW = 1_800_000_000.0
Call = Callable[..., Awaitable[Answer]]
PATHS = ("/api/api-keys", "/api/api-keys/{id}")


@pytest.fixture
async def ann(store: Store) -> User:
    return await store.users.create("ann")


@pytest.fixture
async def bob(store: Store) -> User:
    return await store.users.create("bob")


@pytest.fixture
def call(store: Store, gateway_services: Services) -> Call:
    """`await call("POST", principal, body, id="key_1", use=…, create=…)`."""

    async def go(
        method: str,
        principal: Principal,
        body: object = None,
        *,
        id: str = "",
        use: bool = True,
        create: bool = True,
        store: Store | None = store,
    ) -> Answer:
        services = dataclasses.replace(gateway_services, store=store, clock=lambda: NOW)
        settings = Settings({RemoteAgents: RemoteAgents(use=use, create=create)}, {}, frozenset())
        path = PATHS[bool(id)]
        routes = gateway_auth_keys.register_routes(settings, services)
        [route] = [route for route in routes if (route.method, route.path) == (method, path)]
        assert route.access == "authenticated"

        async def receive() -> bytes:
            return body if isinstance(body, bytes) else msgspec.json.encode(body)

        return await route.handler(
            Inbound(Operation("state", method, path), MOUNT, {"id": id}, {}, {}, "127.0.0.1", receive), principal
        )

    return go


def of(user: User, key: Key | None = None) -> Principal:
    return Principal(user.id, user.role, user.name, key_id=key.id if key else "")


def read(answer: Answer) -> Any:
    return msgspec.json.decode(answer.body)


async def test_a_key_is_shown_once_and_listed_without_its_text(call: Call, store: Store, ann: User) -> None:
    answer = await call("POST", of(ann), {"name": " laptop ", "expiresAt": "2030-01-01T00:00:00.000Z"})
    assert answer.status == 201
    made = read(answer)
    text = made.pop("key")
    assert FORM.fullmatch(text)
    assert (made["name"], made["keyPrefix"], made["expiresAt"]) == ("laptop", text[:8], "2030-01-01T00:00:00.000Z")
    assert made["createdAt"].endswith("Z")
    found = await store.keys.find(digest(text))
    assert found is not None
    assert found[1] == ann
    listed = await call("GET", of(ann))
    assert read(listed) == {"keys": [{**made, "lastUsedAt": None}]}
    assert read(await call("GET", of(ann), id=made["id"])) == {**made, "lastUsedAt": None}
    assert text[8:].encode() not in listed.body


async def test_the_last_use_is_told_and_the_newest_key_comes_first(call: Call, store: Store, ann: User) -> None:
    first, second = [read(await call("POST", of(ann), {"name": name}))["id"] for name in ("one", "two")]
    store.keys.touch(first, NOW)
    await store.usage.flush()
    keys = read(await call("GET", of(ann)))["keys"]
    assert [(key["id"], key["lastUsedAt"]) for key in keys] == [(second, None), (first, "2027-01-15T08:00:00.000Z")]


async def test_others_keys_are_not_there(call: Call, store: Store, ann: User, bob: User) -> None:
    made = read(await call("POST", of(ann), {"name": "mine"}))
    assert read(await call("GET", of(bob))) == {"keys": []}
    for method in ("GET", "DELETE"):
        for who, id in ((of(bob), made["id"]), (Principal(bob.id, "ADMIN"), made["id"]), (of(ann), "key_nothing")):
            answer = await call(method, who, id=id)
            assert (answer.status, read(answer)) == (404, {"error": "API key not found"})
    [(key, _)] = [await store.keys.find(digest(made["key"])) or (None, None)]
    assert key is not None
    assert key.revoked is None


async def test_a_deleted_key_is_revoked_and_gone(call: Call, store: Store, ann: User) -> None:
    made = read(await call("POST", of(ann), {"name": "mine"}))
    assert (await call("DELETE", of(ann), id=made["id"])).status == 204
    assert [key.revoked for key in await store.keys.list()] == [NOW]
    assert read(await call("GET", of(ann))) == {"keys": []}
    assert (await call("DELETE", of(ann), id=made["id"])).status == 404


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "API key name is required"),
        ({"name": "  "}, "API key name is required"),
        ({"name": 5}, "API key name is required"),
        ({"name": "x" * 101}, "at most 100"),
        ({"name": "a\nb"}, "printable"),
        ({"name": "a", "expiresAt": "soon"}, "not a date"),
        ({"name": "a", "expiresAt": 1e300}, "not a date"),
        ({"name": "a", "expiresAt": "2001-01-01"}, "past"),
        (b"{", "JSON"),
        (b"\xff", "JSON"),
    ],
)
async def test_what_makes_no_key_is_said(call: Call, store: Store, ann: User, body: object, words: str) -> None:
    answer = await call("POST", of(ann), body)
    assert answer.status == 400
    assert msgspec.json.decode(answer.body, type=dict[str, str])["error"]
    assert words in answer.body.decode()
    assert await store.keys.list() == []


@pytest.mark.parametrize(
    ("use", "create", "role", "may_see", "may_make"),
    [
        (False, False, "USER", False, False),
        (False, True, "USER", False, False),
        (True, False, "USER", True, False),
        (True, True, "USER", True, True),
        (True, True, "GUEST", True, True),
        (False, False, "ADMIN", True, True),
    ],
)
async def test_librechats_permissions_say_who_may(
    call: Call, store: Store, use: bool, create: bool, role: str, may_see: bool, may_make: bool
) -> None:
    user = await store.users.create("eve", role=role)
    made = await call("POST", of(user), {"name": "x"}, use=use, create=create)
    assert made.status == (201 if may_make else 403)
    own = (await store.keys.create("d" * 64, "sk-", "", user.id)).id
    answers = [await call("GET", of(user), use=use, create=create)]
    answers += [await call(method, of(user), id=own, use=use, create=create) for method in ("GET", "DELETE")]
    assert [answer.status for answer in answers] == ([200, 200, 204] if may_see else [403] * 3)
    for answer in (made, *answers):
        if answer.status == 403:
            assert read(answer) == {"message": "Forbidden: Insufficient permissions"}


async def test_a_key_that_a_key_makes_is_no_freer(call: Call, store: Store, ann: User) -> None:
    scopes = Scopes(networks=("192.0.2.0/24",))
    own = await store.keys.create("d" * 64, "sk-", "", ann.id, NOW + 3600, scopes, True)
    for asked in (None, "2099-01-01T00:00:00Z"):
        made = read(await call("POST", of(ann, own), {"name": "more", "expiresAt": asked}))
        assert made["expiresAt"] == "2027-01-15T09:00:00.000Z"
        found = await store.keys.find(digest(made["key"]))
        assert found is not None
        assert (found[0].scopes, found[0].trusted) == (scopes, False)


async def test_nobody_makes_a_key_for_somebody_else(call: Call, store: Store, ann: User, bob: User) -> None:
    """A trusted key that acts for another user, and the key of the environment, whose owner is in no store."""
    trusted = await store.keys.create("d" * 64, "sk-", "", ann.id, trusted=True)
    for principal in (of(bob, trusted), OPERATOR, Principal("usr_gone")):
        answer = await call("POST", principal, {"name": "x"})
        assert answer.status == 403
        assert "message" in read(answer)
    assert len(await store.keys.list()) == 1


async def test_a_user_has_so_many_keys_at_most(call: Call, store: Store, ann: User) -> None:
    keys = [await store.keys.create(f"{number:064x}", "sk-", "", ann.id) for number in range(MOST)]
    answer = await call("POST", of(ann), {"name": "x"})
    assert answer.status == 403
    assert str(MOST) in read(answer)["message"]
    await store.keys.revoke(keys[0].id, 1.0)
    assert (await call("POST", of(ann), {"name": "x"})).status == 201


async def test_without_a_store_it_is_503(call: Call, ann: User) -> None:
    with pytest.raises(Unavailable, match="store"):
        await call("GET", of(ann), store=None)
