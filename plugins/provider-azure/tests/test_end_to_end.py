"""A running gateway before what stands in for Azure: where each kind of call arrives, and with what."""

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
    "model": "gpt-4o-2024-08-06",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
FILTERED = {
    "error": {
        "message": "The response was filtered.",
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"hate": {"filtered": True}}},
    }
}
CONFIG = """
version: "1.3.17"
endpoints:
  azureOpenAI:
    groups:
      - group: dated
        apiKey: az-1
        instanceName: mine
        deploymentName: dep
        version: "2024-10-21"
        baseURL: "{URL}/${INSTANCE_NAME}/openai/deployments/${DEPLOYMENT_NAME}"
        additionalHeaders: {x-team: red}
        models: {gpt-4o: true}
      - group: own
        apiKey: user_provided
        instanceName: mine
        deploymentName: dep-own
        version: v1
        baseURL: "{URL}/v1only/openai/v1"
        models: {gpt-own: true}
      - group: serverless
        apiKey: az-2
        serverless: true
        baseURL: "{URL}/models"
        version: 2024-05-01-preview
        models: {mistral: true}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server():
    async with FakeUpstream() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session(server, tmp_path_factory):
    gateway = RunningGateway(tmp_path_factory.mktemp("azure"), CONFIG.replace("{URL}", server.url))
    await asyncio.to_thread(gateway.__enter__)
    async with aiohttp.ClientSession(gateway.url, headers={"authorization": f"Bearer {gateway.key}"}) as session:
        yield session
    await asyncio.to_thread(gateway.stop)


@pytest.fixture
def call(server, session):
    """A chat call: status, body, and what arrived upstream for it."""

    async def made(model, path="/v1/chat/completions", headers=None, **more):
        before = len(server.arrived)
        body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], **more}
        async with session.post(path, json=body, headers=headers or {}) as response:
            reply = json.loads(await response.read())
        return response.status, reply, server.arrived[before:]

    return made


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_call_arrives_at_its_deployment_in_its_version(call, server):
    server.answer("/mine/openai/deployments/dep/chat/completions", answer(CHAT))
    status, reply, (arrived,) = await call("azureOpenAI/gpt-4o", temperature=0.5)
    assert (status, reply["choices"][0]["message"]["content"]) == (200, "Hi")
    assert arrived.query == {"api-version": "2024-10-21"}
    assert (arrived.headers["api-key"], arrived.headers["x-team"]) == ("az-1", "red")
    assert "authorization" not in arrived.headers
    assert json.loads(arrived.body)["model"] == "dep"
    assert json.loads(arrived.body)["temperature"] == 0.5


async def test_a_call_that_azure_filters_comes_back_as_it_said(call, server):
    server.answer("/mine/openai/deployments/dep/chat/completions", answer(FILTERED, 400))
    status, reply, _ = await call("gpt-4o")
    assert (status, reply) == (400, FILTERED)


async def test_responses_have_no_deployment_in_their_path(call, server):
    server.answer("/mine/openai/v1/responses", answer({"error": {"message": "no", "code": "x"}}, 400))
    status, _, (arrived,) = await call("azureOpenAI/gpt-4o", "/v1/responses", messages=None, input="Hi")
    assert status == 400
    assert arrived.query == {"api-version": "preview"}
    assert json.loads(arrived.body)["model"] == "dep"


async def test_a_callers_key_goes_to_the_undated_paths(call, server):
    server.answer("/v1only/openai/v1/chat/completions", answer(CHAT))
    status, _, (arrived,) = await call("azureOpenAI/gpt-own", headers={"x-gateway-upstream-key": "az-mine"})
    assert (status, arrived.query, arrived.headers["api-key"]) == (200, {}, "az-mine")
    assert json.loads(arrived.body)["model"] == "dep-own"
    status, reply, arrived = await call("azureOpenAI/gpt-own")
    assert (status, reply["error"]["code"], arrived) == (400, "no_user_key", [])


async def test_serverless_models_get_the_key_both_ways(call, server):
    server.answer("/models/chat/completions", answer(CHAT))
    status, _, (arrived,) = await call("azureOpenAI/mistral")
    assert (status, arrived.query) == (200, {"api-version": "2024-05-01-preview"})
    assert (arrived.headers["api-key"], arrived.headers["authorization"]) == ("az-2", "Bearer az-2")
    assert json.loads(arrived.body)["model"] == "mistral"


async def test_a_model_of_no_group_is_unknown(call):
    status, reply, arrived = await call("azureOpenAI/gpt-9")
    assert (status, reply["error"]["code"], arrived) == (404, "model_not_found", [])
