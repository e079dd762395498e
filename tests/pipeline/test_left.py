"""What is left of an exchange makes it again, without credentials, for whoever may still call."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from gateway import Forbidden, Left, NotFound, Principal, Scopes, Store, still
from gateway.inbound import MOUNT, Inbound, Operation
from gateway.pipeline.exchange import Exchange
from gateway.router import Router
from gateway.testing import installed
from gateway.testing.stores import store_in
from gateway.testing.toy import ToyServer

SECRET = "sk-" + "0" * 64
HEADERS = {
    "Authorization": f"Bearer {SECRET}",
    "X-Api-Key": SECRET,
    "Cookie": SECRET,
    "X-Tenant": "a",
    "User-Agent": "u",
}


def exchange_of(dialect: ToyServer, path: str) -> Exchange:
    async def receive() -> bytes:
        return b""

    operation = Operation("generate", "POST", path)
    inbound = Inbound(
        operation, MOUNT, {}, {"key": SECRET, "a": "b"}, HEADERS, "10.0.0.1", receive, b'{"a": "\xc3\xa4"}'
    )
    principal = Principal("usr_1", groups=("g",), key_id="key_1", scopes=Scopes(agents=("agent_*",)))
    return Exchange(inbound, dialect, id="ex_1", began=7.0, principal=principal, request_id="r")


def test_it_makes_the_same_exchange_and_holds_no_credential() -> None:
    dialect = ToyServer()
    path = next(one.path for one in dialect.operations if one.kind == "generate")
    before = exchange_of(dialect, path)
    written = msgspec.json.encode(Left.of(before))
    assert SECRET.encode() not in written
    left = msgspec.json.decode(written, type=Left)
    made = left.exchange(Router([dialect], []), left.principal)
    assert (made.id, made.began, made.request_id, made.principal) == ("ex_1", 7.0, "r", before.principal)
    assert (made.inbound.body, made.inbound.peer, made.inbound.query) == (before.inbound.body, "10.0.0.1", {"a": "b"})
    assert dict(made.inbound.headers) == {"x-tenant": "a", "user-agent": "u"}
    assert (made.dialect, made.inbound.operation.kind) == (dialect, "generate")
    with pytest.raises(NotFound):
        left.exchange(Router([], []), left.principal)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    if "store-sql" not in installed.plugins():
        pytest.skip("plugins/store-sql is not installed")
    made = store_in(tmp_path)
    await made.open()
    yield made
    await made.close()


async def principal_in(store: Store) -> Principal:
    user = await store.users.create("ann", role="ADMIN", groups=("old",))
    digest = hashlib.sha256(SECRET.encode()).hexdigest()
    key = await store.keys.create(digest, "sk-00000", "laptop", user.id, expires=200.0)
    return Principal(user.id, role="ADMIN", name="ann", groups=("old",), key_id=key.id, key_label="laptop")


async def test_who_it_is_is_asked_again(store: Store) -> None:
    before = await principal_in(store)
    await store.users.update(before.user_id, role="USER", groups=("new",))
    now = await still(before, store, 100.0)
    assert (now.role, now.groups, now.key_id) == ("USER", ("new",), before.key_id)


async def test_whose_key_has_ended_may_not_go_on(store: Store) -> None:
    before = await principal_in(store)
    with pytest.raises(Forbidden):
        await still(before, store, 200.0)
    await store.keys.revoke(before.key_id, 50.0)
    with pytest.raises(Forbidden):
        await still(before, store, 100.0)


async def test_who_is_disabled_or_has_no_such_key_may_not_go_on(store: Store) -> None:
    before = await principal_in(store)
    with pytest.raises(Forbidden):
        await still(msgspec.structs.replace(before, key_id="key_of_nobody"), store, 100.0)
    await store.users.update(before.user_id, disabled=True)
    for one in (before, msgspec.structs.replace(before, key_id="")):
        with pytest.raises(Forbidden):
            await still(one, store, 100.0)


async def test_the_operator_is_who_the_configuration_says(store: Store) -> None:
    operator = Principal("operator", role="ADMIN", key_id="environment")
    assert await still(operator, store, 100.0) == operator


async def test_a_trusted_key_is_anothers(store: Store) -> None:
    service = await principal_in(store)
    bob = await store.users.create("bob")
    before = msgspec.structs.replace(service, user_id=bob.id)
    assert (await still(before, store, 100.0)).user_id == bob.id
