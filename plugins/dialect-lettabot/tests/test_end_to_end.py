"""A running gateway: LettaBot's clients as they are, and the official SDK on /v1 with LettaBot's key."""

import asyncio
import io
import json

import aiohttp
import openai
import pytest
import pytest_asyncio

from gateway import sse
from gateway.testing.fake_upstream import FakeUpstream, stream
from gateway.testing.fake_upstream import json as answer
from gateway.testing.running import RunningGateway

KEY = "0123456789abcdef" * 4
CONFIG = """
version: "1.3.17"
interface: {remoteAgents: {use: true}}
endpoints:
  custom:
    - {name: far, apiKey: k, baseURL: "{URL}/v1", models: {default: [m]}}
gateway:
  dialect-lettabot: {most: 2}
  agents:
    - {id: agent_echo, name: Echo, endpoint: echo, model: echo, instructions: be brief}
    - {id: agent_thinker, name: Thinker, endpoint: echo, model: echo-reasoning}
    - {id: agent_far, name: Far, endpoint: far, model: m}
"""
CHAT, ASYNC = "/api/v1/chat", "/api/v1/chat/async"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def upstream():
    async with FakeUpstream() as upstream:
        yield upstream


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(upstream, tmp_path_factory):
    config = CONFIG.replace("{URL}", upstream.url)
    async with RunningGateway(
        tmp_path_factory.mktemp("lettabot"), config, environ={"LETTABOT_API_KEY": KEY}
    ) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session(gateway):
    async with aiohttp.ClientSession(gateway.url) as session:
        yield session


@pytest.fixture
def call(session):
    """Status and body of what LettaBot's key gets."""

    async def made(path, method="POST", headers=None, data=None, **members):
        given = {"x-api-key": KEY, "content-type": "application/json", **(headers or {})}
        body = data if data is not None else json.dumps(members).encode() if method == "POST" else None
        sent = None if body is None else io.BytesIO(body)
        async with session.request(method, path, data=sent, headers=given) as response:
            return response.status, await response.read()

    return made


@pytest.fixture
def asked(call):
    async def made(*path, **members):
        status, body = await call(*path, **members)
        return status, json.loads(body)

    return made


@pytest.fixture
def streamed(call):
    """The events of a stream."""

    async def made(**members):
        status, body = await call(CHAT, headers={"accept": "text/event-stream"}, **members)
        assert status == 200
        return [json.loads(sse.data(event)) for event in sse.events(body) if sse.data(event)]

    return made


async def settled(asked, identity, **more):
    """What became of a call, once it is known."""
    while True:
        status, told = await asked(f"{ASYNC}/{identity}", method="GET", **more)
        if status != 202:
            return status, told
        await asyncio.sleep(0.02)


async def test_a_message_is_answered(asked):
    status, told = await asked(CHAT, message="one two three", agent="Echo")
    assert status == 200
    assert told == {
        "success": True,
        "response": "one two three",
        "agentName": "Echo",
        "stopReason": "stop",
        "usage": {"promptTokens": 5, "completionTokens": 3, "totalTokens": 8},
    }


async def test_without_an_agent_the_first_one_answers_and_is_named(asked):
    status, told = await asked(CHAT, message="Hi")
    assert (status, told["response"], told["agentName"]) == (200, "Hi", "agent_echo")


async def test_a_stream_has_lettabots_events(streamed):
    events = await streamed(message="Hi there", agent="Thinker")
    kinds = [event["type"] for event in events]
    assert kinds[0] == "init"
    assert sorted(set(kinds)) == ["assistant", "init", "reasoning", "result"]
    assert kinds.index("reasoning") < kinds.index("assistant")
    assert "".join(event["content"] for event in events if event["type"] == "assistant") == "Hi there"
    assert (events[-1]["success"], events[-1]["usage"]["completionTokens"] > 0) == (True, True)


async def test_a_raw_model_is_not_for_the_key_unless_it_is_allowed(asked):
    status, told = await asked(CHAT, message="Hi", agent="echo/echo")
    assert (status, told["success"]) == (403, False)


@pytest.mark.parametrize(
    ("data", "headers", "status", "error"),
    [
        (b'{"message":"Hi"}', {"x-api-key": "nope"}, 401, "Unauthorized"),
        (b'{"message":"Hi"}', {"x-api-key": "nope", "authorization": f"Bearer {KEY}"}, 401, "Unauthorized"),
        (b'{"message":"Hi"}', {"content-type": "text/plain"}, 400, "Content-Type must be application/json"),
        (b"{", {}, 400, "Invalid JSON body"),
        (b"{}", {}, 400, "Missing required field: message"),
    ],
    ids=["key", "no bearer saves it", "content type", "json", "message"],
)
@pytest.mark.parametrize("path", [CHAT, ASYNC], ids=["chat", "async"])
async def test_errors_have_lettabots_shape(asked, path, data, headers, status, error):
    came, told = await asked(path, data=data, headers=headers)
    assert (came, told["success"], told["error"]) == (status, False, error)


@pytest.mark.parametrize("path", [CHAT, ASYNC], ids=["chat", "async"])
async def test_an_unknown_agent_is_a_404_that_names_no_others(asked, path):
    status, told = await asked(path, message="Hi", agent="nope")
    assert status == 404
    assert told["error"].startswith("Agent not found: nope. ")
    assert "agent_echo" not in told["error"]


async def test_the_gateways_own_keys_open_it_too(asked, gateway):
    status, told = await asked(CHAT, message="Hi", agent="echo/echo", headers={"x-api-key": gateway.key})
    assert (status, told["response"]) == (200, "Hi")


async def test_queries_and_browsers_are_no_matter(call):
    status, _ = await call(CHAT + "?x=1", message="Hi")
    assert status == 200


async def test_status_lists_what_the_key_may_call(asked):
    status, told = await asked("/api/v1/status", method="GET")
    assert status == 200
    assert list(told["agents"]) == ["agent_echo", "agent_thinker", "agent_far"]
    assert told["agents"]["agent_echo"]["name"] == "Echo"
    status, told = await asked("/api/v1/status", method="GET", headers={"x-api-key": ""})
    assert (status, told["error"]) == (401, "Unauthorized")


async def test_an_upstream_that_refuses_is_a_status_and_not_text(asked, call, upstream):
    upstream.answer("/v1/chat/completions", answer({"error": {"message": "too fast"}}, 429))
    status, told = await asked(CHAT, message="Hi", agent="Far")
    assert (status, told["success"], told["error"]) == (429, False, "too fast")
    status, _ = await call(CHAT, message="Hi", agent="Far", headers={"accept": "text/event-stream"})
    assert status == 429


async def lines_of(response, events):
    async for line in response.content:
        events += [json.loads(sse.data(line))] if line.startswith(b"data:") else []


async def test_a_stream_that_breaks_off_is_no_text_and_no_clean_end(session, upstream):
    choice = {"index": 0, "delta": {"role": "assistant", "content": "Hel"}, "finish_reason": None}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    upstream.answer("/v1/chat/completions", stream(b"data: " + json.dumps(chunk).encode() + b"\n\n"))
    given = {"x-api-key": KEY, "accept": "text/event-stream"}
    events = []
    async with session.post(CHAT, json={"message": "Hi", "agent": "Far"}, headers=given) as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            await lines_of(response, events)
    assert [event["type"] for event in events] == ["init", "assistant", "error", "result"]
    assert events[1]["content"] == "Hel"
    assert not events[-1]["success"]


async def test_a_client_that_leaves_ends_the_run(session, upstream):
    upstream.answer("/v1/chat/completions", stream(b": one\n\n", asyncio.Event()))
    given = {"x-api-key": KEY, "content-type": "application/json"}
    before = len(upstream.arrived)
    leaving = asyncio.create_task(session.post(CHAT, json={"message": "Hi", "agent": "Far"}, headers=given))
    arrived = await upstream.arrival(before + 1)
    leaving.cancel()
    await asyncio.wait_for(arrived.gone.wait(), 20)


# Calls that nobody waits for


async def test_a_call_is_taken_and_its_result_can_be_fetched(asked):
    status, told = await asked(ASYNC, message="one two", agent="Echo")
    assert (status, told["success"], told["status"], told["agentName"]) == (202, True, "queued", "Echo")
    status, result = await settled(asked, told["id"])
    assert status == 200
    assert result == {
        "success": True,
        "status": "done",
        "id": told["id"],
        "agentName": "Echo",
        "response": "one two",
        "stopReason": "stop",
        "usage": {"promptTokens": 4, "completionTokens": 2, "totalTokens": 6},
    }


async def test_it_does_not_matter_what_the_client_accepts(asked):
    _, told = await asked(ASYNC, message="Hi", agent="Echo", headers={"accept": "text/event-stream"})
    assert (await settled(asked, told["id"]))[1]["response"] == "Hi"


async def test_a_call_that_fails_later_says_so_when_it_is_fetched(asked, upstream):
    upstream.answer("/v1/chat/completions", answer({"error": {"message": "agent exploded"}}, 500))
    status, told = await asked(ASYNC, message="Hi", agent="Far")
    assert status == 202
    status, result = await settled(asked, told["id"])
    assert (status, result["success"], result["status"], result["error"]) == (200, False, "error", "agent exploded")


async def test_what_is_not_yet_there_is_queued_and_others_do_not_see_it(asked, upstream, gateway):
    held = asyncio.Event()
    upstream.answer("/v1/chat/completions", stream(held, content_type="application/json", silent=True))
    _, told = await asked(ASYNC, message="Hi", agent="Far")
    status, waiting = await asked(f"{ASYNC}/{told['id']}", method="GET")
    assert (status, waiting["status"]) == (202, "queued")
    status, _ = await asked(f"{ASYNC}/{told['id']}", method="GET", headers={"x-api-key": gateway.key})
    assert status == 404
    held.set()
    assert (await settled(asked, told["id"]))[1]["status"] == "error"


@pytest.mark.parametrize("identity", ["nope", "..%2F..%2Fapi-key", "x" * 32])
async def test_what_is_not_kept_is_not_found(asked, identity):
    status, told = await asked(f"{ASYNC}/{identity}", method="GET")
    assert (status, told["success"]) == (404, False)


async def test_no_more_run_at_once_than_is_set(asked, upstream):
    held = asyncio.Event()
    upstream.answer("/v1/chat/completions", stream(held, content_type="application/json", silent=True))
    begun = [await asked(ASYNC, message="Hi", agent="Far") for _ in range(3)]
    assert [status for status, _ in begun] == [202, 202, 429]
    held.set()
    for _, told in begun[:2]:
        await settled(asked, told["id"])


async def test_no_more_is_held_at_once_than_there_is_room_for(asked, upstream):
    held = asyncio.Event()
    upstream.answer("/v1/chat/completions", stream(held, content_type="application/json", silent=True))
    large = "x" * 20 * 2**20
    begun = [await asked(ASYNC, message=large, agent="Far") for _ in range(2)]
    assert [status for status, _ in begun] == [202, 429]
    held.set()
    await settled(asked, begun[0][1]["id"])
    status, told = await asked(ASYNC, message="Hi", agent="Echo")
    assert status == 202
    await settled(asked, told["id"])


async def test_each_is_in_the_record_as_a_call_of_its_own(gateway, asked):
    _, told = await asked(ASYNC, message="recorded once", agent="Echo")
    await settled(asked, told["id"])
    lines = [line for line in gateway.errors + gateway.output if "lettabot" in line and "agent_echo" in line]
    assert lines, gateway.printed


# LettaBot's /v1, which is the gateway's own


@pytest_asyncio.fixture
async def client(gateway):
    async with openai.AsyncOpenAI(base_url=gateway.url + "/v1", api_key=KEY, max_retries=0) as client:
        yield client


async def test_the_key_lists_agents_on_v1(client, session):
    assert [model.id async for model in client.models.list()] == ["agent_echo", "agent_thinker", "agent_far"]
    async with session.get("/v1/models", headers={"x-api-key": KEY}) as response:
        assert [one["id"] for one in (await response.json())["data"]] == ["agent_echo", "agent_thinker", "agent_far"]


@pytest.mark.parametrize("model", [None, "", "agent_echo", "Echo"], ids=["omitted", "empty", "id", "name"])
async def test_chat_without_a_model_is_the_first_agents_and_usage_is_real(session, model):
    said = [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": [{"type": "text", "text": "three "}, {"type": "text", "text": "four"}]},
    ]
    body = {"messages": said} | ({} if model is None else {"model": model})
    async with session.post("/v1/chat/completions", json=body, headers={"x-api-key": KEY}) as response:
        told = await response.json()
    assert response.status == 200, told
    assert told["choices"][0]["message"]["content"] == "three four"
    assert told["usage"]["prompt_tokens"] == 6, "the instructions' words, and those of all three messages"


async def test_v1_streams_with_usage(client):
    chunks = [
        chunk
        async for chunk in await client.chat.completions.create(
            model="Echo",
            messages=[{"role": "user", "content": "Hi there"}],
            stream=True,
            stream_options={"include_usage": True},
        )
    ]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "Hi there"
    assert chunks[-1].usage.total_tokens > 0


async def test_v1_raises_on_an_unknown_model_with_openais_code(client):
    with pytest.raises(openai.NotFoundError) as raised:
        await client.chat.completions.create(model="nope", messages=[{"role": "user", "content": "Hi"}])
    assert raised.value.code == "model_not_found"
