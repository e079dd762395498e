"""`gateway roles` and /api/roles on a real store."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import gateway_permission_remote_agents as plugin
import msgspec
import pytest
from click.testing import CliRunner
from gateway_permission_remote_agents.commands import roles

from gateway import (
    MOUNT,
    AgentsInterface,
    Answer,
    GatewayError,
    Inbound,
    Operation,
    Principal,
    RemoteAgents,
    RemotePermissions,
    Role,
    Services,
    Settings,
    Store,
)
from gateway.cli.context import Context
from gateway.testing.stores import store_in

ADMIN, USER, STAFF = (Principal(role, role) for role in ("ADMIN", "USER", "STAFF"))
GET = "/api/roles/{name}"
Call = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
async def store(directory: Path) -> AsyncIterator[Store]:
    store = store_in(directory)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def call(store: Store, gateway_services: Services) -> Call:
    """`await call("PUT", ADMIN, "USER", {"USE": True}, given=…)`: status and what is told."""

    async def go(
        method: str,
        principal: Principal,
        name: str,
        body: Any = None,
        given: RemoteAgents | None = None,
        part: str = "remote-agents",
        interface: AgentsInterface | None = None,
    ) -> tuple[int, Any]:
        sections = {RemoteAgents: given or RemoteAgents(), AgentsInterface: interface or AgentsInterface()}
        settings = Settings(sections, {}, frozenset())
        services = dataclasses.replace(gateway_services, store=store)
        path = f"{GET}/{part}" if method == "PUT" else GET
        [route] = [
            one for one in plugin.register_routes(settings, services) if (one.method, one.path) == (method, path)
        ]
        assert route.access == ("admin" if method == "PUT" else "authenticated")

        async def receive() -> bytes:
            return body if isinstance(body, bytes) else msgspec.json.encode(body)

        request = Inbound(Operation("state", method, path), MOUNT, {"name": name}, {}, {}, "127.0.0.1", receive)
        told: Answer = await route.handler(request, principal)
        return told.status, json.loads(told.body)

    return go


BOTH = ("USE", "CREATE")


def told(name: str, *held: str, documents: tuple[str, ...] = BOTH, servers: tuple[str, ...] = BOTH) -> tuple[int, Any]:
    names = ("USE", "CREATE", "SHARE", "SHARE_PUBLIC")
    remote, agents, mcp = ({one: one in these for one in names} for these in (held, documents, servers))
    return 200, {"name": name, "permissions": {"REMOTE_AGENTS": remote, "AGENTS": agents, "MCP_SERVERS": mcp}}


async def test_mcp_servers_are_a_permission_of_their_own(call: Call, store: Store) -> None:
    assert await call("PUT", ADMIN, "USER", {"CREATE": False}, part="mcp-servers") == told("USER", servers=("USE",))
    assert await call("PUT", ADMIN, "USER", {"SHARE": True}, part="agents") == told(
        "USER", documents=(*BOTH, "SHARE"), servers=("USE",)
    )
    agents, servers = RemotePermissions(share=True), RemotePermissions(create=False)
    assert await store.roles.list() == [Role("USER", RemotePermissions(), agents, servers)]


async def test_agents_as_documents_are_a_permission_of_their_own(call: Call, store: Store) -> None:
    assert await call("PUT", ADMIN, "USER", {"CREATE": False}, part="agents") == told("USER", documents=("USE",))
    assert await call("PUT", ADMIN, "USER", {"USE": True}) == told("USER", "USE", documents=("USE",))
    assert await store.roles.list() == [Role("USER", RemotePermissions(use=True), RemotePermissions(create=False))]
    for said, held in ((False, ()), (RemotePermissions(create=True), ("USE", "CREATE"))):
        interface = AgentsInterface(said)
        assert await call("GET", ADMIN, "USER", interface=interface) == told("USER", "USE", documents=held)
    everything = ("USE", "CREATE", "SHARE", "SHARE_PUBLIC")
    no = AgentsInterface(False)
    assert await call("GET", ADMIN, "ADMIN", interface=no) == told(
        "ADMIN", *everything, documents=everything, servers=everything
    )
    assert (await call("PUT", ADMIN, "USER", b"[]", part="agents"))[1]["message"] == "Invalid agents permissions."


async def test_a_role_is_changed_in_part_and_told_as_it_holds(call: Call, store: Store) -> None:
    assert await call("GET", ADMIN, "user") == told("USER")
    assert await call("PUT", ADMIN, "user", {"USE": True, "SHARE": True}) == told("USER", "USE", "SHARE")
    assert await call("PUT", ADMIN, "USER", {"SHARE": False, "CREATE": True}) == told("USER", "USE", "CREATE")
    assert await call("GET", USER, "USER") == told("USER", "USE", "CREATE")
    assert await store.roles.list() == [Role("USER", RemotePermissions(use=True, create=True, share=False))]


async def test_what_the_file_says_holds_whatever_is_put(call: Call) -> None:
    given = RemoteAgents(use=False)
    assert await call("PUT", ADMIN, "USER", {"USE": True, "CREATE": True}, given) == told("USER", "CREATE")


async def test_who_is_no_admin_is_told_of_users_and_of_the_own_role(call: Call, store: Store) -> None:
    await store.roles.put(Role("OTHER"))
    assert await call("GET", STAFF, "STAFF") == told("STAFF")
    assert await call("GET", STAFF, "USER") == told("USER")
    for name in ("ADMIN", "admin", "OTHER", "NOBODY"):
        assert await call("GET", STAFF, name) == (403, {"message": "Unauthorized"})
    assert await call("GET", ADMIN, "OTHER") == told("OTHER")


async def test_a_role_that_is_not_there_is_not_found(call: Call) -> None:
    for method in ("GET", "PUT"):
        assert await call(method, ADMIN, "NOBODY", {"USE": True}) == (404, {"message": "Role not found"})
    with pytest.raises(GatewayError):
        await call("GET", ADMIN, "\0")


@pytest.mark.parametrize("body", [b"{", b'{"USE": "yes"}', b"[]", b'{"USE": 1}', b"\xff"])
async def test_what_is_no_permission_changes_nothing(call: Call, store: Store, body: bytes) -> None:
    status, words = await call("PUT", ADMIN, "USER", body)
    assert (status, words["message"]) == (400, "Invalid remote agents permissions.")
    assert not await store.roles.list()


@pytest.fixture
def console(directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    store_in(directory)  # skips where there is none
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Any:
        context = Context(environ={"GATEWAY_STATE_DIR": str(directory), "COLUMNS": "200"})
        return CliRunner(env={"COLUMNS": "200"}).invoke(roles, list(words), obj=context)

    return run


def test_the_command_says_and_shows_what_roles_may(console: Callable[..., Any], tmp_path: Path) -> None:
    assert console("set", "user", "--use", "--no-share").stdout == "USER may: use.\n"
    assert console("set", "STAFF", "--create").stdout == "STAFF may: use, create.\n"
    (tmp_path / "librechat.yaml").write_text("version: 1.3.5\ninterface: {remoteAgents: {use: false}}\n")
    shown = {one["name"]: one for one in json.loads(console("list", "--json").stdout)}
    assert list(shown) == ["ADMIN", "STAFF", "USER"]
    assert shown["ADMIN"]["granted"] == {"use": True, "create": True, "share": True, "public": True}
    assert shown["USER"]["granted"]["use"] is False
    assert shown["USER"]["stored"] == {"use": True, "share": False}
    assert shown["STAFF"]["users"] == 0
    said = console("set", "STAFF", "--no-agents-create").stdout
    assert said == "STAFF may: create.\nWith agents as documents: use.\n"
    [staff] = [one for one in json.loads(console("list", "--json").stdout) if one["name"] == "STAFF"]
    assert (staff["agents"]["create"], staff["agents_stored"], staff["stored"]) == (
        False,
        {"create": False},
        {"create": True},
    )
    assert "no (the file says so)" in console("list").stdout
    overruled = console("set", "USER", "--use")
    assert (overruled.stdout, "interface.remoteAgents.use" in overruled.stderr) == ("USER may: nothing.\n", True)
    assert json.loads(console("set", "USER", "--reset", "--json").stdout)["stored"] == {}


def test_a_command_that_changes_nothing_says_so(console: Callable[..., Any]) -> None:
    result = console("set", "USER")
    assert (result.exit_code, "Nothing to change" in result.stderr) == (2, True)
    assert console("set", " ", "--use").exit_code == 1
