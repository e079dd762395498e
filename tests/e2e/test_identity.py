"""While two workers serve: agents come and go, are shared by those who may, and users and roles change."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import openai
import pytest

from gateway import Agent, RemotePermissions, Role, Store
from gateway.testing import installed
from gateway.testing.running import RunningGateway
from gateway.testing.stores import store_in

CONFIG = {"version": "1.3.17", "gateway": {"agents": [{"id": "agent_file", "endpoint": "echo", "model": "echo"}]}}
KEYS = {name: f"sk-{number:064x}" for number, name in enumerate(("ann", "bob", "eve"), 1)}
CHAT = "/api/agents/v1/chat/completions"
Calling = Callable[..., Any]


def on(gateway: RunningGateway, work: Callable[[Store], Awaitable[Any]]) -> Any:
    """What another process does to the store of a running gateway."""

    async def opened() -> Any:
        store = store_in(gateway.directory / "state")
        await store.open()
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(opened())


async def people(store: Store) -> dict[str, str]:
    assert store.roles is not None
    await store.roles.put(Role("USER", RemotePermissions(use=True, share=True)))
    ids = {}
    for name, text in KEYS.items():
        ids[name] = (await store.users.create(name)).id
        await store.keys.create(hashlib.sha256(text.encode()).hexdigest(), text[:8], "", ids[name])
    return ids


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    if "store-sql" not in installed.plugins():
        pytest.skip("plugins/store-sql is not installed")
    with RunningGateway(tmp_path_factory.mktemp("identity"), json.dumps(CONFIG), "--workers", "2") as running:
        yield running


@pytest.fixture(scope="module")
def ids(gateway: RunningGateway) -> dict[str, str]:
    """Ids of the users by name; none of them is an admin."""
    found: dict[str, str] = on(gateway, people)
    return found


def asked(gateway: RunningGateway, calling: Calling, name: str, model: str) -> tuple[int, str]:
    """Status and message of a call, on a connection of its own, so that any worker may have it."""
    caller = calling(gateway.url, KEYS[name])
    came = caller.post(CHAT, {"model": model, "messages": [{"role": "user", "content": "Hi"}]})
    caller.close()
    return came.status, "" if came.status == 200 else came.json["error"]["message"]


def listed(gateway: RunningGateway, calling: Calling, name: str) -> list[str]:
    came = calling(gateway.url, KEYS[name]).get("/api/agents/v1/models")
    return [one["id"] for one in came.json["data"]] if came.status == 200 else []


def soon(check: Callable[[], bool], seconds: float = 15.0) -> None:
    """It is so ten times in a row, so that no worker is left behind; within half a second where the machine is idle."""
    until, row = time.monotonic() + seconds, 0
    while row < 10:
        row = row + 1 if check() else 0
        assert row or time.monotonic() < until, "it did not become so"


def test_an_agent_of_the_store_is_its_authors_until_it_is_shared_and_as_long_as_it_is_there(
    gateway: RunningGateway, calling: Calling, ids: dict[str, str]
) -> None:
    async def put(store: Store) -> None:
        assert store.agents is not None
        await store.agents.put(Agent("agent_kept", name="Kept", provider="echo", model="echo", author=ids["ann"]))
        await store.agents.put(Agent("agent_lost", provider="nowhere", model="m", author=ids["ann"]))

    on(gateway, put)
    soon(lambda: asked(gateway, calling, "ann", "agent_kept")[0] == 200)
    with openai.OpenAI(base_url=f"{gateway.url}/api/agents/v1", api_key=KEYS["ann"], max_retries=0) as sdk:
        assert [(one.id, one.owned_by) for one in sdk.models.list() if one.id != "agent_file"] == [
            ("agent_kept", "librechat")
        ]
    assert asked(gateway, calling, "bob", "agent_kept") == (403, "No remote access to agent: agent_kept")
    status, words = asked(gateway, calling, "ann", "agent_lost")
    assert (status, "there is no endpoint 'nowhere' here" in words) == (503, True)
    assert asked(gateway, calling, "bob", "agent_lost")[0] == 403
    assert asked(gateway, calling, "bob", "agent_none")[0] == 404
    assert listed(gateway, calling, "bob") == ["agent_file"]

    path = "/api/permissions/remoteAgent/agent_kept"
    to_bob = {"updated": [{"type": "user", "id": ids["bob"], "accessRoleId": "remoteAgent_viewer"}]}
    put_by = {name: calling(gateway.url, KEYS[name]).send("PUT", path, json.dumps(to_bob).encode()) for name in KEYS}
    assert {name: came.status for name, came in put_by.items()} == {"ann": 200, "bob": 403, "eve": 403}
    soon(lambda: asked(gateway, calling, "bob", "agent_kept")[0] == 200)
    soon(lambda: listed(gateway, calling, "bob") == ["agent_file", "agent_kept"])
    assert asked(gateway, calling, "eve", "agent_kept")[0] == 403

    on(gateway, lambda store: store.agents.delete("agent_kept"))  # type: ignore[union-attr]
    soon(lambda: asked(gateway, calling, "bob", "agent_kept")[0] == 404)


def test_a_disabled_users_key_answers_as_a_revoked_one_and_works_again(
    gateway: RunningGateway, calling: Calling, ids: dict[str, str]
) -> None:
    assert asked(gateway, calling, "eve", "agent_file")[0] == 200
    on(gateway, lambda store: store.users.update(ids["eve"], disabled=True))
    soon(lambda: asked(gateway, calling, "eve", "agent_file")[0] == 401)
    assert "revoked" in asked(gateway, calling, "eve", "agent_file")[1]
    assert asked(gateway, calling, "bob", "agent_file")[0] == 200
    on(gateway, lambda store: store.users.update(ids["eve"], disabled=False))
    soon(lambda: asked(gateway, calling, "eve", "agent_file")[0] == 200)


def test_what_an_admin_says_of_a_role_holds_in_every_worker(
    gateway: RunningGateway, calling: Calling, ids: dict[str, str]
) -> None:
    path, admin = "/api/roles/USER/remote-agents", calling(gateway.url)
    told = admin.send("PUT", path, b'{"USE": false}').json["permissions"]["REMOTE_AGENTS"]
    assert told == {"USE": False, "CREATE": False, "SHARE": True, "SHARE_PUBLIC": False}
    soon(lambda: asked(gateway, calling, "bob", "agent_file")[0] == 403)
    assert listed(gateway, calling, "bob") == []
    admin.send("PUT", path, b'{"USE": true}')
    soon(lambda: asked(gateway, calling, "bob", "agent_file")[0] == 200)
    assert calling(gateway.url, KEYS["bob"]).send("PUT", path, b'{"CREATE": true}').status == 403
