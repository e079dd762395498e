"""MCP servers that users add, through a gateway of two workers without any of its own."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from mcp_servers import Running

from gateway import AccessGrant, Agent, Store
from gateway.identity import REMOTE_AGENT, RemotePermissions, Role
from gateway.testing import installed
from gateway.testing.running import KEY, RunningGateway
from gateway.testing.stores import store_in

KEYS = {name: f"sk-{number:064x}" for number, name in enumerate(("ada", "bob", "eve"), 7)}
TOOL = "dotted.name_mcp_my-tools"
HIDDEN_TEXT = "a-secret-of-adas"


@pytest.fixture(scope="module")
def far() -> Iterator[Running]:
    with Running("streamable-http") as running:
        yield running


async def fill(store: Store) -> None:
    """Ada's agent is shared with Bob, whose own one names her server. Eve may add none."""
    await store.open()
    assert store.roles is not None
    assert store.agents is not None
    assert store.grants is not None
    await store.roles.put(Role("USER", RemotePermissions(use=True)))
    await store.roles.put(Role("GUEST", mcp_servers=RemotePermissions(create=False)))
    users = {name: await store.users.create(name, role="GUEST" if name == "eve" else "USER") for name in KEYS}
    for name, text in KEYS.items():
        await store.keys.create(hashlib.sha256(text.encode()).hexdigest(), text[:8], name, users[name].id)
    for name in ("ada", "bob"):
        agent = Agent(f"agent_{name}", provider="echo", model="echo-tools", tools=(TOOL,), author=users[name].id)
        await store.agents.put(agent)
    await store.grants.change([AccessGrant(REMOTE_AGENT, "agent_ada", "user", users["bob"].id)])
    await store.close()


@pytest.fixture(scope="module")
def gateway(far: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    if "store-sql" not in installed.plugins():
        pytest.skip("plugins/store-sql is not installed")
    directory = tmp_path_factory.mktemp("added")
    asyncio.run(fill(store_in(directory / "state")))
    named = {"allowedDomains": [f"http://127.0.0.1:{far.port}", "*.example.com"]}
    config = json.dumps({"version": "1.3.17", "mcpSettings": named})
    with RunningGateway(directory, config, "--workers", "2", environ={"CREDS_KEY": "ab" * 32}) as running:
        yield running


Ask = Callable[..., tuple[int, Any]]


@pytest.fixture
def ask(gateway: RunningGateway) -> Ask:
    """Each request by a connection of its own, so that both workers are asked."""

    def go(who: str, method: str, path: str, body: object = None) -> tuple[int, Any]:
        with closing(http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=60)) as connection:
            given = {"authorization": f"Bearer {KEYS.get(who, KEY)}", "content-type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), given)
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read() or b"null")

    return go


@pytest.fixture
def added(ask: Ask, far: Running) -> Iterator[dict[str, Any]]:
    """Ada's server, as it was told when she added it."""
    config = {"type": "streamable-http", "url": far.url, "title": "My Tools", "headers": {"X-Key": HIDDEN_TEXT}}
    status, told = ask("ada", "POST", "/api/mcp/servers", {"config": config})
    assert (status, told.get("serverName")) == (201, "my-tools"), told
    yield told
    ask("ada", "DELETE", "/api/mcp/servers/my-tools")


def said(ask: Ask, who: str, agent: str) -> str:
    body = {"model": agent, "messages": [{"role": "user", "content": "hello"}]}
    status, told = ask(who, "POST", "/v1/chat/completions", body)
    assert status == 200, told
    return str(told["choices"][0]["message"]["content"])


def until(find: Callable[[], Any], wanted: Any) -> None:
    for _ in range(600):
        if (found := find()) == wanted:
            return
        time.sleep(0.05)
    raise AssertionError(found)


def test_it_is_its_users_alone_on_both_workers_and_its_secrets_are_told_to_nobody(ask: Ask, added: Any) -> None:
    assert (added["source"], added["requiresOAuth"], added["headers"]) == ("user", False, {"X-Key": "***"})
    for _ in range(6):
        assert set(ask("ada", "GET", "/api/mcp/servers")[1]) == {"my-tools"}
        assert ask("bob", "GET", "/api/mcp/servers") == (200, {})
    assert HIDDEN_TEXT not in json.dumps(ask("ada", "GET", "/api/mcp/servers/my-tools"))
    for method in ("GET", "PATCH", "DELETE"):
        body = {"config": {}} if method == "PATCH" else None
        for who in ("bob", "operator"):
            status, _ = ask(who, method, "/api/mcp/servers/my-tools", body)
            assert status in (403, 404), (who, method)
    assert ask("bob", "POST", "/api/mcp/my-tools/reinitialize")[0] == 404
    [server] = ask("ada", "GET", "/api/mcp/tools")[1]["servers"].values()
    assert {"name": "add", "pluginKey": "add_mcp_my-tools", "description": "Add two numbers."} in server["tools"]


def test_agents_of_its_user_have_its_tools_whoever_calls_them_and_others_agents_have_not(ask: Ask, added: Any) -> None:
    for _ in range(4):  # both workers
        until(lambda: said(ask, "ada", "agent_ada"), "dotted")
        until(lambda: said(ask, "bob", "agent_ada"), "dotted")
        assert said(ask, "bob", "agent_bob") == "hello"


def test_what_is_deleted_is_gone_everywhere(ask: Ask, added: Any, gateway: RunningGateway) -> None:
    until(lambda: said(ask, "ada", "agent_ada"), "dotted")
    assert ask("ada", "DELETE", "/api/mcp/servers/my-tools")[0] == 200
    for _ in range(6):
        assert ask("ada", "GET", "/api/mcp/servers") == (200, {})
    until(lambda: [said(ask, "ada", "agent_ada") for _ in range(4)], ["hello"] * 4)
    files = [path.read_bytes() for path in (gateway.directory / "state").rglob("*") if path.is_file()]
    assert not any(HIDDEN_TEXT.encode() in data for data in files)


def test_a_change_keeps_secrets_that_are_left_out_unless_the_server_is_elsewhere(
    ask: Ask, added: Any, far: Running
) -> None:
    path, known = "/api/mcp/servers/my-tools", {"type": "http", "url": far.url, "title": "Other"}
    headers = {"X-Key": "***", "X-New": "{{T}}"}
    config = {**known, "headers": headers, "customUserVars": {"T": {"title": "T"}}}
    status, told = ask("ada", "PATCH", path, {"config": config})
    assert (status, told["title"], told["headers"]) == (200, "Other", headers)
    elsewhere = {**known, "url": "https://mcp.example.com/", "headers": {"X-Key": "***"}}
    status, told = ask("ada", "PATCH", path, {"config": elsewhere})
    assert (status, "give headers.X-Key again" in told["message"]) == (400, True)


def test_what_a_user_keeps_for_it_is_gone_with_it(ask: Ask, far: Running) -> None:
    headers = {"headers": {"X-Token": "{{TOKEN}}"}, "customUserVars": {"TOKEN": {"title": "Token"}}}
    config = {"type": "http", "url": far.url, "title": "Own", **headers}
    for _ in range(2):
        assert ask("ada", "POST", "/api/mcp/servers", {"config": config})[1]["serverName"] == "own"
        assert ask("ada", "GET", "/api/mcp/own/auth-values")[1]["authValueFlags"] == {"TOKEN": False}
        value = {"pluginKey": "mcp_own", "action": "install", "auth": {"TOKEN": "t"}}
        assert ask("ada", "POST", "/api/user/plugins", value)[0] == 200
        # Another worker may have it that there is none, for some seconds.
        until(lambda: ask("ada", "GET", "/api/mcp/own/auth-values")[1]["authValueFlags"], {"TOKEN": True})
        assert ask("ada", "DELETE", "/api/mcp/servers/own")[0] == 200


def test_the_role_says_who_may_add_and_who_may_use(ask: Ask, far: Running) -> None:
    config = {"config": {"type": "http", "url": far.url}}
    assert ask("eve", "POST", "/api/mcp/servers", config) == (403, {"message": "Forbidden: Insufficient permissions"})
    assert ask("operator", "PUT", "/api/roles/GUEST/mcp-servers", {"CREATE": True})[0] == 200

    def may() -> int:
        status, told = ask("eve", "POST", "/api/mcp/servers", config)
        if status == 201:
            ask("eve", "DELETE", f"/api/mcp/servers/{told['serverName']}")
        return status

    until(lambda: [may() for _ in range(4)], [201] * 4)


@pytest.mark.parametrize(
    ("config", "status", "words"),
    [
        pytest.param({"type": "stdio", "command": "sh"}, 400, "Nobody but the operator", id="stdio"),
        pytest.param({"type": "http", "url": "U", "command": "sh"}, 400, "Nobody but the operator", id="command"),
        pytest.param({"type": "websocket", "url": "ws://a.example.com"}, 400, "websocket", id="websocket"),
        pytest.param({"type": "http", "url": "file:///etc/passwd"}, 400, "cannot be used", id="file"),
        pytest.param({"type": "http", "url": "U?k=${CREDS_KEY}"}, 400, "operator's variables", id="variable"),
        pytest.param({"type": "http", "url": "U/{{LIBRECHAT_USER_EMAIL}}"}, 400, "no variable", id="placeholder"),
        pytest.param({"type": "http", "url": "U", "obo": {}}, 400, "unknown field", id="unknown"),
        pytest.param({"type": "http", "url": "http://10.0.0.1/"}, 403, "allowedDomains", id="domain"),
        pytest.param({"type": "http", "url": "https://u:p@a.example.com/"}, 400, "cannot be used", id="userinfo"),
        pytest.param({"type": "http", "url": "https://localhost.example.com:1/"}, 400, "cannot be", id="unreachable"),
        pytest.param(None, 400, "missing", id="nothing"),
    ],
)
def test_what_may_not_be_added_is_refused_in_words(
    ask: Ask, far: Running, config: dict[str, Any] | None, status: int, words: str
) -> None:
    if config is not None and config.get("url", "").startswith("U"):
        config = {**config, "url": far.url + config["url"][1:]}
    found, told = ask("bob", "POST", "/api/mcp/servers", {"config": config})
    assert (found, words in told["message"]) == (status, True), told
    assert ask("bob", "GET", "/api/mcp/servers") == (200, {})
