"""Actions that are stored with an agent, through a gateway of two workers."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from typing import Any

import pytest
import pytest_asyncio
from action_documents import api
from action_people import KEYS, fill

from gateway.testing import installed
from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as answer
from gateway.testing.running import RunningGateway
from gateway.testing.stores import store_in

SECRET = "key-of-the-sky"
PATH = "/api/agents/actions"
AUTH = {"type": "service_http", "authorization_type": "custom", "custom_auth_header": "X-Sky"}
Ask = Callable[..., Awaitable[tuple[int, Any]]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sky() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(sky: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningGateway]:
    if not {"store-sql", "provider-agents"} <= set(installed.plugins()):
        pytest.skip("plugins/store-sql and plugins/provider-agents are not both installed")
    directory = tmp_path_factory.mktemp("stored")
    await fill(store_in(directory / "state"))
    config = json.dumps({"version": "1.3.17", "actions": {"allowedDomains": [sky.url, "*.example.com"]}})
    running = RunningGateway(directory, config, "--workers", "2", environ={"CREDS_KEY": "ab" * 32})
    await asyncio.to_thread(running.__enter__)
    yield running
    await asyncio.to_thread(running.stop)


@pytest.fixture
def ask(gateway: RunningGateway) -> Ask:
    """Each request by a connection of its own, so that both workers are asked."""

    def go(who: str, method: str, path: str, body: object) -> tuple[int, Any]:
        with closing(http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=60)) as connection:
            given = {"authorization": f"Bearer {KEYS[who]}", "content-type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), given)
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read() or b"null")

    async def asked(who: str, method: str, path: str, body: object = None) -> tuple[int, Any]:
        return await asyncio.to_thread(go, who, method, path, body)

    return asked


def weather(url: str, **metadata: Any) -> dict[str, Any]:
    document = json.dumps(api(("get", "/sky", {}), servers=[{"url": url}]))
    known = {"raw_spec": document, "auth": AUTH, "api_key": SECRET}
    return {"functions": [{"function": {"name": "it"}}], "metadata": {**known, **metadata}}


async def said(ask: Ask, who: str, agent: str) -> str:
    body = {"model": agent, "messages": [{"role": "user", "content": "hello"}]}
    status, told = await ask(who, "POST", "/v1/chat/completions", body)
    assert status == 200, told
    return str(told["choices"][0]["message"]["content"])


async def until(find: Callable[[], Awaitable[Any]], wanted: Callable[[Any], bool]) -> Any:
    for _ in range(600):
        if wanted(found := await find()):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(found)


@pytest.mark.asyncio(loop_scope="module")
async def test_it_is_a_tool_of_its_agent_until_it_is_deleted(
    ask: Ask, sky: FakeUpstream, gateway: RunningGateway
) -> None:
    sky.answer("/sky", *[answer({"sky": "clear"})] * 20)
    status, told = await ask("ada", "POST", f"{PATH}/agent_ada", weather(sky.url))
    assert status == 200, told
    agent, action = told
    [tool], [name] = agent["tools"], agent["actions"]
    assert (tool, name) == (
        f"it_action_{name.partition('_action_')[0]}",
        f"{name.partition('_')[0]}_action_{action['action_id']}",
    )
    assert SECRET not in json.dumps(told)
    for _ in range(4):  # both workers
        await until(lambda: said(ask, "ada", "agent_ada"), lambda text: "clear" in text)
    assert sky.arrived[-1].headers["x-sky"] == SECRET
    assert [one["agent_id"] for one in (await ask("ada", "GET", PATH))[1]] == ["agent_ada"]
    assert await ask("bob", "GET", PATH) == (200, [])
    assert (await ask("bob", "POST", f"{PATH}/agent_ada", weather(sky.url)))[0] == 403
    assert (await ask("bob", "DELETE", f"{PATH}/agent_ada/{action['action_id']}"))[0] == 403
    stolen = {**weather(sky.url), "action_id": action["action_id"]}
    assert await ask("bob", "POST", f"{PATH}/agent_bob", stolen) == (404, {"message": "Action not found"})
    copy = await ask("ada", "PATCH", "/api/agents/agent_other_ada", {"tools": [tool], "actions": [name]})
    assert copy[0] == 200
    assert await said(ask, "ada", "agent_other_ada") == "hello"
    assert (await ask("ada", "DELETE", f"{PATH}/agent_ada/{action['action_id']}"))[0] == 200
    assert (await ask("ada", "GET", "/api/agents/agent_ada/expanded"))[1]["tools"] == []
    assert await ask("ada", "GET", PATH) == (200, [])

    async def both() -> list[str]:
        return [await said(ask, "ada", "agent_ada") for _ in range(4)]

    await until(both, lambda texts: texts == ["hello"] * 4)
    files = [path.read_bytes() for path in (gateway.directory / "state").rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in data for data in files)


@pytest.mark.asyncio(loop_scope="module")
async def test_its_key_stays_where_it_was_given_for(ask: Ask, sky: FakeUpstream) -> None:
    (_, action) = (await ask("bob", "POST", f"{PATH}/agent_bob", weather(sky.url)))[1]
    kept = {"action_id": action["action_id"]}
    moved = weather("https://other.example.com", api_key=None)
    assert await ask("bob", "POST", f"{PATH}/agent_bob", {**moved, **kept}) == (
        400,
        {"message": "The API is elsewhere now; give its key again."},
    )
    assert (await ask("bob", "POST", f"{PATH}/agent_bob", {**weather(sky.url, api_key=None), **kept}))[0] == 200
    sky.answer("/sky", *[answer({"sky": "grey"})] * 20)
    await until(lambda: said(ask, "bob", "agent_bob"), lambda text: "grey" in text)
    assert sky.arrived[-1].headers["x-sky"] == SECRET
    assert (await ask("bob", "DELETE", "/api/agents/agent_bob"))[0] == 200
    assert await ask("bob", "GET", PATH) == (200, [])


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("url", "metadata", "words"),
    [
        pytest.param("http://10.0.0.1:80", {}, "not among actions.allowedDomains", id="domain"),
        pytest.param("https://api.example.com", {"domain": "evil.example.org"}, "not at evil.example.org", id="other"),
        pytest.param("https://api.example.com", {"raw_spec": "{"}, "cannot be used", id="document"),
        pytest.param("https://api.example.com", {"api_key": "${CREDS_KEY}"}, "variable of the operator", id="variable"),
        pytest.param("https://api.example.com", {"auth": {"type": "oauth"}}, "log in", id="oauth"),
        pytest.param("https://api.example.com", {"api_key": None}, "is missing", id="no-key"),
        pytest.param("https://api.example.com/${CREDS_KEY}", {}, "CREDS_KEY", id="variable-in-url"),
    ],
)
async def test_what_cannot_be_used_is_refused_in_words(ask: Ask, url: str, metadata: Any, words: str) -> None:
    status, told = await ask("ada", "POST", f"{PATH}/agent_other_ada", weather(url, **metadata))
    assert (status, words in told["message"]) == (400, True), told
    unknown = {**weather("https://api.example.com"), "functions": [{"function": {"name": "gone"}}]}
    status, told = await ask("ada", "POST", f"{PATH}/agent_other_ada", unknown)
    assert (status, "no operation 'gone'" in told["message"]) == (400, True)
