"""Who may share an agent with whom: by LibreChat's route, and by `gateway agents`."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import gateway_provider_agents as plugin
import msgspec
import pytest
from click.testing import CliRunner
from gateway_provider_agents.commands import agents

from gateway import (
    MOUNT,
    AccessGrant,
    Agent,
    Inbound,
    Operation,
    Principal,
    RemoteAgents,
    Services,
    Settings,
    Store,
    User,
)
from gateway.cli.context import Context
from gateway.testing.stores import store_in

Call = Callable[..., Awaitable[tuple[int, Any]]]
PATH = "/api/permissions/remoteAgent/{id}"
SHARE = RemoteAgents(use=True, share=True)
FORBIDDEN = (403, "Forbidden")


@pytest.fixture
async def ann(store: Store) -> User:
    user = await store.users.create("ann", "ann@example.org")
    await store.agents.put(Agent("agent_1", name="Helper", provider="openAI", model="m", author=user.id))
    return user


@pytest.fixture
def call(store: Store, gateway_services: Services) -> Call:
    """`await call("PUT", user, {"public": True}, given=…, id=…)`: status and what is told."""

    async def go(
        method: str, user: User, body: Any = None, *, given: RemoteAgents = SHARE, id: str = "agent_1"
    ) -> tuple[int, Any]:
        services = dataclasses.replace(gateway_services, store=store)
        routes = plugin.register_routes(Settings({RemoteAgents: given}, {}, frozenset()), services)
        [route] = [one for one in routes if (one.method, one.path) == (method, PATH)]
        assert route.access == "authenticated"

        async def receive() -> bytes:
            return body if isinstance(body, bytes) else msgspec.json.encode(body)

        request = Inbound(Operation("state", method, PATH), MOUNT, {"id": id}, {}, {}, "127.0.0.1", receive)
        principal = Principal(user.id, user.role, user.name, groups=user.groups)
        answer = await route.handler(request, principal)
        return answer.status, json.loads(answer.body)

    return go


def whom(kind: str, id: str, role: str = "viewer") -> dict[str, str]:
    return {"type": kind, "id": id, "accessRoleId": f"remoteAgent_{role}"}


async def test_an_author_shares_and_sees_with_whom(call: Call, store: Store, ann: User) -> None:
    bob, lab = await store.users.create("bob", "bob@example.org"), await store.groups.create("lab", "the lab")
    assert await call("GET", ann) == (
        200,
        {"resourceType": "remoteAgent", "resourceId": "agent_1", "principals": [], "public": False},
    )
    asked = {"updated": [whom("user", bob.id), whom("group", lab.id, "editor"), whom("role", "STAFF", "owner")]}
    status, told = await call("PUT", ann, asked)
    assert (status, told["message"]) == (200, "Permissions updated successfully")
    shown = [
        {
            "type": "group",
            "id": lab.id,
            "name": "lab",
            "accessRoleId": "remoteAgent_editor",
            "description": "the lab",
            "source": "local",
        },
        {"type": "role", "id": "STAFF", "name": "STAFF", "accessRoleId": "remoteAgent_owner"},
        {
            "type": "user",
            "id": bob.id,
            "name": "bob",
            "accessRoleId": "remoteAgent_viewer",
            "email": "bob@example.org",
            "source": "local",
        },
    ]
    assert told["results"] == {"principals": shown, "public": False}
    assert (await call("GET", ann))[1]["principals"] == shown
    assert {one.bits for one in await store.grants.list("remoteAgent")} == {1, 3, 15}
    assert {one.by for one in await store.grants.list("remoteAgent")} == {ann.id}
    status, told = await call("PUT", ann, {"removed": [whom("user", bob.id), whom("role", "STAFF")]})
    assert [one["type"] for one in (await call("GET", ann))[1]["principals"]] == ["group"]


async def test_sharing_with_everybody_is_another_permission_and_ends_where_it_is_not_said_again(
    call: Call, store: Store, ann: User
) -> None:
    public = {"public": True, "publicAccessRoleId": "remoteAgent_viewer"}
    status, told = await call("PUT", ann, public)
    assert (status, told["error"], "publicly" in told["message"]) == (*FORBIDDEN, True)
    assert not await store.grants.list("remoteAgent")
    both = RemoteAgents(use=True, share=True, public=True)
    status, told = await call("PUT", ann, public, given=both)
    assert told["results"] == {"principals": [], "public": True, "publicAccessRoleId": "remoteAgent_viewer"}
    assert (await call("GET", ann))[1]["public"] is True
    await call("PUT", ann, {"updated": []})
    assert (await call("GET", ann))[1]["public"] is False


async def test_who_may_not_share_changes_nothing_and_sees_nothing(call: Call, store: Store, ann: User) -> None:
    bob, root = await store.users.create("bob"), await store.users.create("root", role="ADMIN")
    asked = {"updated": [whom("user", bob.id, "owner")]}
    for bits in (None, 1, 3):
        if bits is not None:
            await store.grants.change([AccessGrant("remoteAgent", "agent_1", "user", bob.id, bits)])
        for method in ("GET", "PUT"):
            status, told = await call(method, bob, asked)
            assert (status, told["error"]) == FORBIDDEN
    for given in (RemoteAgents(use=True), RemoteAgents(use=True, share=False, public=True)):
        status, told = await call("PUT", ann, asked, given=given)
        assert (status, told["error"]) == FORBIDDEN
    assert [one.bits for one in await store.grants.list("remoteAgent")] == [3]
    status, _ = await call("PUT", root, asked, given=RemoteAgents())
    assert status == 200
    assert (await call("PUT", bob, asked))[0] == 200, "an owner may share"


async def test_an_agent_that_is_not_there_is_not_found_by_anybody(call: Call, store: Store, ann: User) -> None:
    for method in ("GET", "PUT"):
        status, told = await call(method, ann, {}, id="agent_x")
        assert (status, told) == (404, {"error": "Not Found", "message": "remoteAgent not found"})


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"\xff",
        {"updated": [{"type": "user", "id": "usr_nobody", "accessRoleId": "remoteAgent_viewer"}]},
        {"updated": [{"type": "group", "id": "nobody", "accessRoleId": "remoteAgent_viewer"}]},
        {"updated": [{"type": "public", "id": "", "accessRoleId": "remoteAgent_viewer"}]},
        {"updated": [{"type": "role", "id": "USER", "accessRoleId": "agent_viewer"}]},
        {"public": True, "publicAccessRoleId": "root"},
        {
            "updated": [
                {"type": "role", "id": "USER", "accessRoleId": "remoteAgent_viewer"},
                {"type": "user", "id": "x"},
            ]
        },
    ],
)
async def test_what_is_not_right_changes_nothing(call: Call, store: Store, ann: User, body: Any) -> None:
    given = RemoteAgents(use=True, share=True, public=True)
    status, told = await call("PUT", ann, body, given=given)
    assert (status, told["error"]) == (400, "Failed to update permissions")
    assert told["details"]
    assert not await store.grants.list("remoteAgent")


@pytest.fixture
def console(state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """On a gateway whose one endpoint is `echo`, with two agents in its store."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "librechat.yaml").write_text("version: 1.3.5\n")

    def run(*words: str) -> Any:
        environ = {"GATEWAY_STATE_DIR": str(state), "COLUMNS": "200"}
        context = Context(config=tmp_path / "librechat.yaml", environ=environ)
        return CliRunner(env={"COLUMNS": "200"}).invoke(agents, list(words), obj=context)

    return run


async def _fill(state: Path) -> None:
    store = store_in(state)
    assert store.groups is not None
    assert store.agents is not None
    await store.open()
    ann = await store.users.create("ann", "ann@example.org")
    await store.users.create("bob")
    await store.groups.create("lab")
    for id, provider in (("agent_1", "echo"), ("agent_2", "nowhere")):
        await store.agents.put(
            Agent(
                id, name="Helper", provider=provider, model="m", author=ann.id, instructions="Top secret.", tools=("x",)
            )
        )
    await store.close()


def test_the_commands_list_share_and_unshare(console: Callable[..., Any], state: Path) -> None:
    assert "no agents in the store" in console("list").stdout
    asyncio.run(_fill(state))
    first, second = json.loads(console("list", "--json").stdout)
    assert (first["id"], first["author"], first["unavailable"]) == ("agent_1", "ann", None)
    assert second["unavailable"] == "there is no endpoint 'nowhere' here"
    assert first["notes"] == ["tools: no plugin here runs x"]
    shared = console("share", "agent_1", "--user", "bob", "--group", "lab", "--role", "STAFF", "--public")
    assert "shared with group lab (viewer), role STAFF (viewer), user bob (viewer), everybody (viewer)" in shared.stdout
    assert "user bob (owner)" in console("share", "agent_1", "--user", "bob", "--as", "owner").stdout
    listed = console("list")
    assert "nowhere" in listed.stdout
    assert (
        "shared with group lab (viewer)"
        in console("unshare", "agent_1", "--user", "bob", "--role", "STAFF", "--public").stdout
    )
    shown = console("show", "agent_1")
    assert "author ann; shared with group lab (viewer)" in shown.stdout
    for result in (listed, shown, console("show", "agent_1", "--json")):
        assert "Top secret" not in result.output
    for words, code in (
        (("show", "agent_x"), 1),
        (("share", "agent_x", "--public"), 1),
        (("share", "agent_1", "--user", "nobody"), 1),
        (("share", "agent_1", "--group", "nobody"), 1),
        (("share", "agent_1"), 2),
        (("share", "agent_1", "--public", "--as", "king"), 2),
    ):
        assert console(*words).exit_code == code, words


async def test_each_principal_is_looked_up_once(
    call: Call, store: Store, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob, eve = await store.users.create("bob"), await store.users.create("eve")
    found, get = [], store.users.get

    async def counted(user_id: str) -> User | None:
        found.append(user_id)
        return await get(user_id)

    monkeypatch.setattr(store.users, "get", counted)
    status, told = await call("PUT", ann, {"updated": [whom("user", bob.id), whom("user", eve.id)]})
    assert (status, sorted(found)) == (200, sorted((bob.id, eve.id)))
    assert {one["name"] for one in told["results"]["principals"]} == {"bob", "eve"}
