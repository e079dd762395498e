"""Users who log in to the API of an action, through a gateway of two workers."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from action_documents import api
from action_people import KEYS, fill
from authorization_server import CLIENT, SECRET, AuthorizationServer

from gateway.testing import installed
from gateway.testing.running import RunningGateway
from gateway.testing.stores import store_in

pytestmark = pytest.mark.asyncio(loop_scope="module")
DOMAIN = "https://gateway.example"
DOCUMENT = api(("get", "/me", {}))
ADDRESS = re.compile(re.escape(DOMAIN) + r"(/api/actions/[^ \"]+/oauth/login\?invitation=[\w-]+)")


class Told(NamedTuple):
    status: int
    body: str
    headers: http.client.HTTPMessage


Ask = Callable[..., Awaitable[Told]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def far() -> AsyncIterator[AuthorizationServer]:
    async with AuthorizationServer() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(far: AuthorizationServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningGateway]:
    if not {"store-sql", "provider-agents"} <= set(installed.plugins()):
        pytest.skip("plugins/store-sql and plugins/provider-agents are not both installed")
    directory = tmp_path_factory.mktemp("logins")
    await fill(store_in(directory / "state"))
    auth = {"type": "oauth", "authorization_url": f"{far.url}/authorize", "token_url": f"{far.url}/token"}
    auth |= {"client_id": CLIENT, "client_secret": "${THE_SECRET}", "scope": "read write"}
    action = {"name": "my account", "url": far.url, "document": DOCUMENT, "auth": auth}
    tools = ["it_action_my account"]
    agent = {"id": "agent_file", "name": "F", "endpoint": "echo", "model": "echo-tools", "tools": tools}
    own = {"tools-actions": [action], "agents": [agent]}
    config = {"version": "1.3.17", "actions": {"allowedDomains": [far.url, "*.example.com"]}, "gateway": own}
    environ = {"CREDS_KEY": "ab" * 32, "DOMAIN_SERVER": DOMAIN, "THE_SECRET": SECRET}
    running = RunningGateway(directory, json.dumps(config), "--workers", "2", environ=environ)
    await asyncio.to_thread(running.__enter__)
    yield running
    await asyncio.to_thread(running.stop)
    kept = b"".join(path.read_bytes() for path in (directory / "state").rglob("*") if path.is_file())
    for token in (SECRET, *far.tokens):
        assert token not in running.printed
        assert token.encode() not in kept


@pytest.fixture
def ask(gateway: RunningGateway) -> Ask:
    """Each request by a connection of its own, so that both workers are asked. who: whose key, or a cookie."""

    def go(who: str, method: str, path: str, body: object) -> Told:
        with closing(http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=60)) as connection:
            shown = {"authorization": f"Bearer {KEYS[who]}"} if who in KEYS else {"cookie": who}
            given = {**shown, "content-type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), given)
            reply = connection.getresponse()
            return Told(reply.status, reply.read().decode(), reply.headers)

    async def asked(who: str, method: str, path: str, body: object = None) -> Told:
        return await asyncio.to_thread(go, who, method, path, body)

    return asked


async def said(ask: Ask, who: str, agent: str) -> str:
    body = {"model": agent, "messages": [{"role": "user", "content": "Hi"}]}
    told = await ask(who, "POST", "/v1/chat/completions", body)
    assert told.status == 200, told
    return str(json.loads(told.body)["choices"][0]["message"]["content"])


async def invited(ask: Ask, who: str, agent: str, action: str = "") -> str:
    """Where it says that the user is to log in, as a path of the gateway; to this action, once all workers know it."""
    for _ in range(200):
        text = await said(ask, who, agent)
        if (found := ADDRESS.search(text)) and action in found[1]:
            assert "The tool was not called" in text or "did not take" in text
            return found[1]
        await asyncio.sleep(0.05)
    raise AssertionError(text)


async def begun(ask: Ask, path: str) -> tuple[str, str]:
    """The cookie of the browser, and where the authorization server sends it back to."""
    there = await ask("", "POST", path)
    assert there.status == 303, there
    parts = urlsplit(there.headers["location"])

    def go() -> str:
        with closing(http.client.HTTPConnection(parts.netloc, timeout=60)) as connection:
            connection.request("GET", f"{parts.path}?{parts.query}")
            return str(connection.getresponse().headers["location"])

    return there.headers["set-cookie"].partition(";")[0], (await asyncio.to_thread(go)).removeprefix(DOMAIN)


async def log_in(ask: Ask, who: str, agent: str, action: str = "") -> None:
    cookie, back = await begun(ask, await invited(ask, who, agent, action))
    told = await ask(cookie, "GET", back)
    assert (told.status, "You are logged in" in told.body) == (200, True), told


async def logged_in(ask: Ask, who: str, agent: str) -> str:
    if "are in" not in await said(ask, who, agent):
        await log_in(ask, who, agent)
    return await until_in(ask, who, agent)


async def until_in(ask: Ask, who: str, agent: str) -> str:
    """What the API says, of both workers."""
    for _ in range(200):
        texts = {await said(ask, who, agent) for _ in range(4)}
        if len(texts) == 1 and "are in" in (text := texts.pop()):
            return text
        await asyncio.sleep(0.05)
    raise AssertionError(texts)


async def test_who_has_not_logged_in_is_told_where_and_each_user_has_a_login_of_its_own(
    ask: Ask, far: AuthorizationServer
) -> None:
    path = await invited(ask, "ada", "agent_file")
    assert path.startswith("/api/actions/my%20account/oauth/login?")
    page = await ask("", "GET", path)
    assert (page.status, "set-cookie" in page.headers) == (200, False)
    assert "ada" in page.body
    assert urlsplit(far.url).netloc in page.body
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    await log_in(ask, "ada", "agent_file")
    assert far.asked[-1]["grant_type"] == "authorization_code"
    ada = await until_in(ask, "ada", "agent_file")
    await log_in(ask, "bob", "agent_file")
    bob = await until_in(ask, "bob", "agent_file")
    assert ada != bob
    assert (await ask("bob", "DELETE", "/api/actions/my%20account/oauth")).status == 200
    await invited(ask, "bob", "agent_file")
    assert await until_in(ask, "ada", "agent_file") == ada


async def test_the_authorization_server_is_asked_for_what_is_configured(ask: Ask, far: AuthorizationServer) -> None:
    there = await ask("", "POST", await invited(ask, "bob", "agent_file"))
    query = {name: value for name, [value] in parse_qs(urlsplit(there.headers["location"]).query).items()}
    assert query["scope"] == "read write"
    assert query["redirect_uri"] == f"{DOMAIN}/api/actions/my%20account/oauth/callback"
    assert "resource" not in query
    assert "; Secure" in there.headers["set-cookie"]


async def test_a_login_is_renewed_once_the_api_takes_it_no_more_and_asked_for_again_at_its_end(
    ask: Ask, far: AuthorizationServer
) -> None:
    before = await logged_in(ask, "ada", "agent_file")
    far.good.clear()
    after = await until_in(ask, "ada", "agent_file")
    assert after != before
    assert far.asked[-1]["grant_type"] == "refresh_token"
    far.good.clear()
    far.refreshes.clear()
    await invited(ask, "ada", "agent_file")


async def test_a_login_is_of_the_browser_that_began_it_and_works_once(ask: Ask) -> None:
    cookie, back = await begun(ask, await invited(ask, "bob", "agent_file"))
    assert (await ask("", "GET", back)).status == 400
    assert (await ask(f"action_login={'x' * 43}", "GET", back)).status == 400
    assert (await ask(cookie, "GET", back.replace("/my%20account/", "/other/"))).status == 400
    assert (await ask(cookie, "GET", back.replace("state=", "state=x"))).status == 400
    assert (await ask(cookie, "GET", back)).status == 200
    assert (await ask(cookie, "GET", back)).status == 400
    for path in ("/api/actions/my%20account/oauth/login", "/api/actions/x/oauth/login?invitation=forged"):
        assert [(await ask("", method, path)).status for method in ("GET", "POST")] == [400, 400]
    state = parse_qs(urlsplit(back).query)["state"][0]
    assert (await ask("", "GET", f"/api/actions/my%20account/oauth/login?invitation={state}")).status == 400


def stored(far: AuthorizationServer, auth: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    """What a client of LibreChat sends."""
    login = {"type": "oauth", "authorization_url": f"{far.url}/authorize", "client_url": f"{far.url}/token"}
    login |= {"scope": "read", "token_exchange_method": "default_post", **(auth or {})}
    document = json.dumps({**DOCUMENT, "servers": [{"url": far.url}]})
    known = {"raw_spec": document, "auth": login, "oauth_client_id": CLIENT, "oauth_client_secret": SECRET}
    return {"functions": [{"function": {"name": "it"}}], "metadata": {**known, **metadata}}


async def put(ask: Ask, body: dict[str, Any]) -> tuple[int, Any]:
    told = await ask("ada", "POST", "/api/agents/actions/agent_ada", body)
    return told.status, json.loads(told.body)


async def test_users_log_in_to_a_stored_action_and_anew_once_it_is_changed(ask: Ask, far: AuthorizationServer) -> None:
    status, told = await put(ask, stored(far))
    assert status == 200, told
    assert SECRET not in json.dumps(told)
    kept = {"action_id": told[1]["action_id"]}
    await log_in(ask, "ada", "agent_ada", f"/api/actions/{kept['action_id']}/oauth/")
    await until_in(ask, "ada", "agent_ada")
    moved = stored(far, {"client_url": f"{far.url}/elsewhere"}, oauth_client_secret=None)
    assert await put(ask, moved | kept) == (400, {"message": "The API is elsewhere now; give its key again."})
    assert (await put(ask, stored(far, oauth_client_secret=None) | kept))[0] == 200
    await until_in(ask, "ada", "agent_ada")
    assert (await put(ask, stored(far, {"client_url": f"{far.url}/elsewhere"}) | kept))[0] == 200
    await invited(ask, "ada", "agent_ada")
    assert (await ask("ada", "DELETE", f"/api/agents/actions/agent_ada/{kept['action_id']}")).status == 200


@pytest.mark.parametrize(
    ("auth", "metadata", "words"),
    [
        pytest.param({"client_url": "https://10.0.0.1/t"}, {}, "token_url is not among actions.allowed", id="token"),
        pytest.param({"authorization_url": "https://evil.example/a"}, {}, "authorization_url is not among", id="page"),
        pytest.param({"client_url": "http://a.example.com/t"}, {}, "does not start with https", id="plain"),
        pytest.param({"authorization_url": "javascript:alert(1)"}, {}, "cannot be used", id="script"),
        pytest.param({"authorization_url": None}, {}, "where users log in", id="nowhere"),
        pytest.param({"token_exchange_method": "other"}, {}, "token_exchange_method", id="method"),
        pytest.param({}, {"oauth_client_id": None}, "missing", id="client"),
        pytest.param({}, {"oauth_client_secret": "${CREDS_KEY}"}, "variable of the operator", id="variable"),
    ],
)
async def test_a_stored_login_that_could_go_anywhere_is_refused(
    ask: Ask, far: AuthorizationServer, auth: Any, metadata: Any, words: str
) -> None:
    status, told = await put(ask, stored(far, auth, **metadata))
    assert (status, words in told["message"]) == (400, True), told
