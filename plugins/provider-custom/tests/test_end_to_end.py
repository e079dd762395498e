"""A running gateway: keys that callers bring, known upstreams, Anthropic's API, and lists for each caller."""

import asyncio
import json

import aiohttp
import pytest
import pytest_asyncio

from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as answer
from gateway.testing.running import RunningGateway

CHAT = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [{"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
NO_KEY = {"error": {"message": "Incorrect API key provided.", "type": "invalid_request_error", "code": "bad"}}
KEY_HEADER, URL_HEADER = "x-gateway-upstream-key", "x-gateway-upstream-url"
CONFIG = """
version: "1.3.17"
endpoints:
  custom:
    - {name: own, apiKey: user_provided, baseURL: "{URL}/own", models: {default: [m]}, headers: {x-team: red}}
    - {name: anywhere, apiKey: user_provided, baseURL: user_provided, models: {default: [m]}, headers: {x-team: red}}
    - {name: ours, apiKey: sk-ours, baseURL: "{URL}/ours", models: {default: [m]}}
    - {name: acme, apiKey: sk-acme, models: {fetch: true}}
    - {name: each, apiKey: sk-each, baseURL: "{URL}/each", models: {fetch: true, userIdQuery: true}}
    - {name: claude-like, provider: anthropic, apiKey: sk-ant, baseURL: "{URL}/claude", models: {default: [claude]}}
gateway:
  provider-custom:
    upstreams:
      acme: {base_url: "{URL}/acme/v1", max_completion_tokens: false, stream_options: false}
"""


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server():
    """Its lists of models are asked for as soon as the gateway is up."""
    async with FakeUpstream() as server:
        server.answer("/acme/v1/models", answer({"data": [{"id": "rocket-1"}]}))
        server.answer("/each/models", answer({"data": [{"id": "only-mine"}]}))
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session(server, tmp_path_factory):
    gateway = RunningGateway(tmp_path_factory.mktemp("custom"), CONFIG.replace("{URL}", server.url))
    await asyncio.to_thread(gateway.__enter__)
    async with aiohttp.ClientSession(gateway.url, headers={"authorization": f"Bearer {gateway.key}"}) as session:
        yield session
    await asyncio.to_thread(gateway.stop)


class Seen:
    """What calls of one test reach the upstream. posts: no lists of models."""

    def __init__(self, server):
        self._server, self._before = server, len(server.arrived)
        self.answer = server.answer
        self.url = server.url

    @property
    def posts(self):
        return [arrived for arrived in self._server.arrived[self._before :] if arrived.method == "POST"]

    def lists(self, path):
        return [arrived for arrived in self._server.arrived if arrived.path == path]


@pytest.fixture
def upstream(server):
    return Seen(server)


@pytest.fixture
def call(session):
    """A call with the admin's key: its status and body."""

    async def made(path, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        async with session.request("GET" if body is None else "POST", path, json=body, headers=headers) as response:
            return response.status, json.loads(await response.read())

    return made


def asked(model, **more):
    return {"model": model, "messages": [{"role": "user", "content": "Hi"}], **more}


async def test_a_callers_own_key_reaches_the_upstream_and_only_that(call, upstream):
    upstream.answer("/own/chat/completions", answer(CHAT))
    status, reply = await call("/v1/chat/completions", asked("own/m"), **{KEY_HEADER: "sk-mine"})
    assert (status, reply["choices"][0]["message"]["content"]) == (200, "Hi")
    (arrived,) = upstream.posts
    assert arrived.headers["authorization"] == "Bearer sk-mine"
    assert arrived.headers["x-team"] == "red"
    assert not any(name.lower().startswith("x-gateway") for name in arrived.headers)
    assert json.loads(arrived.body)["model"] == "m"


async def test_without_a_key_the_caller_is_told_what_to_bring(call, upstream):
    status, reply = await call("/v1/chat/completions", asked("own/m"))
    assert (status, reply["error"]["code"]) == (400, "no_user_key")
    assert KEY_HEADER in reply["error"]["message"]
    assert upstream.posts == []


async def test_a_callers_refused_key_is_a_401_and_the_operators_is_not(call, upstream):
    upstream.answer("/own/chat/completions", answer(NO_KEY, 401))
    upstream.answer("/ours/chat/completions", answer(NO_KEY, 401))
    status, reply = await call("/v1/chat/completions", asked("own/m"), **{KEY_HEADER: "sk-mine"})
    assert (status, reply["error"]["code"]) == (401, "upstream_key_refused")
    status, reply = await call("/v1/chat/completions", asked("ours/m"))
    assert (status, reply["error"]["code"]) == (502, "upstream_credentials_refused")


async def test_an_address_that_the_caller_names_may_not_be_a_private_one(call, upstream):
    headers = {KEY_HEADER: "sk-mine", URL_HEADER: f"{upstream.url}/anywhere"}
    status, reply = await call("/v1/chat/completions", asked("anywhere/m"), **headers)
    assert (status, reply["error"]["code"]) == (502, "address_not_allowed")
    assert upstream.posts == []


async def test_an_address_that_is_none_is_the_callers_mistake(call, upstream):
    headers = {KEY_HEADER: "sk-mine", URL_HEADER: "file:///etc/passwd"}
    status, reply = await call("/v1/chat/completions", asked("anywhere/m"), **headers)
    assert status == 400
    assert "baseURL" in reply["error"]["message"]


async def test_a_row_is_all_that_a_new_upstream_needs(call, upstream):
    upstream.answer("/acme/v1/chat/completions", answer(CHAT))
    status, models = await call("/v1/models")
    assert status == 200
    assert "acme/rocket-1" in [model["id"] for model in models["data"]]
    status, _ = await call("/v1/chat/completions", asked("rocket-1"))
    assert status == 200
    arrived = upstream.posts[-1]
    assert arrived.path == "/acme/v1/chat/completions"
    assert arrived.headers["authorization"] == "Bearer sk-acme"
    assert "stream_options" not in json.loads(arrived.body)


async def test_an_upstream_that_asks_who_it_is_for_is_told(call, upstream):
    _, models = await call("/v1/models")
    assert "each/only-mine" in [model["id"] for model in models["data"]]
    callers = [arrived.query.get("user") for arrived in upstream.lists("/each/models")]
    assert any(callers), "nobody's list was asked for but the gateway's own at its start"
    assert len(callers) == len(set(callers)), "a list is kept for each"


async def test_anthropics_api_is_spoken_where_the_entry_says_so(call, upstream):
    upstream.answer("/claude/v1/messages", answer(MESSAGE))
    body = asked("claude-like/claude", max_tokens=5)
    status, reply = await call("/v1/messages", body, **{"anthropic_version": "2023-06-01"})
    assert (status, reply["content"]) == (200, MESSAGE["content"])
    status, reply = await call("/v1/chat/completions", body)
    assert (status, reply["choices"][0]["message"]["content"]) == (200, "Hi")
    for arrived in upstream.posts:
        assert (arrived.path, arrived.headers["x-api-key"]) == ("/claude/v1/messages", "sk-ant")
        assert "authorization" not in arrived.headers
        assert json.loads(arrived.body)["model"] == "claude"
