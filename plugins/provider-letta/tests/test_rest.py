"""A Letta server's REST API behind a running gateway: what it is asked, and what clients get.

What it says are the shapes of `letta` 0.16.8; conversations are after the types of `letta-client` 1.12.1.
"""

import asyncio
import json

import aiohttp
import openai
import pytest
import pytest_asyncio

from gateway.testing.fake_upstream import CUT, FakeUpstream, stream
from gateway.testing.fake_upstream import json as answer
from gateway.testing.running import RunningGateway

DEMO, TWIN, OTHER = "agent-1", "agent-2", "agent-3"
CONFIG = """
version: "1.3.17"
interface: {remoteAgents: {use: true}}
gateway:
  models: {allow: {roles: [USER]}}
  provider-letta:
    - {name: letta, api: rest, url: "{URL}", key: sk-letta-canary}
    - {name: one, api: rest, url: "{URL}", agents: [agent-1, other], conversations: agent, names: {agent-1: Concierge}}
    - {name: mine, api: rest, url: "{URL}", agents: [agent-1], conversations: user}
  routes:
    - {name: careful, targets: [{model: letta/demo}, {model: echo/echo}]}
    - {name: strict, fidelity: strict, targets: [{model: letta/demo}]}
"""
TALKS, SHARED = "/v1/conversations/conv-1/messages", f"/v1/agents/{DEMO}/messages/stream"
ADA, EVE = "0123456789abcdef" * 4, RunningGateway.key

pytestmark = pytest.mark.asyncio(loop_scope="module")


def frame(kind, **members):
    told = {"id": "message-1", "run_id": "run-1", "message_type": kind, **members}
    return b"data: " + json.dumps(told).encode() + b"\n\n"


def said(text="Hello"):
    counts = {"completion_tokens": 14, "prompt_tokens": 22, "total_tokens": 36}
    return [
        frame("ping"),
        frame("reasoning_message", reasoning="thinking"),
        frame("tool_call_message", tool_call={"name": "search", "arguments": "{}", "tool_call_id": "call_1"}),
        frame("tool_return_message", tool_return="found", status="success", tool_call_id="call_1"),
        frame("assistant_message", content=text),
        b'data: {"message_type":"stop_reason","stop_reason":"end_turn"}\n\n',
        frame("usage_statistics", **counts),
        b"data: [DONE]\n\n",
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def letta():
    async with FakeUpstream() as letta:
        agents = [{"id": DEMO, "name": "demo"}, {"id": TWIN, "name": "twin"}, {"id": OTHER, "name": "other"}]
        letta.answer("/v1/agents/", answer([*agents, {"id": "agent-4", "name": "twin"}]))
        letta.answer("/v1/conversations/conv-1", answer({}))
        letta.answer("/v1/conversations/conv-1/cancel", answer({}))
        yield letta


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(letta, tmp_path_factory):
    config = CONFIG.replace("{URL}", letta.url)
    async with RunningGateway(tmp_path_factory.mktemp("rest"), config, environ={"LETTABOT_API_KEY": ADA}) as running:
        yield running


@pytest_asyncio.fixture
async def client(gateway):
    async with openai.AsyncOpenAI(base_url=gateway.url + "/v1", api_key=EVE, max_retries=0) as client:
        yield client


@pytest.fixture(autouse=True)
def as_usual(letta):
    letta.answer("/v1/conversations/", answer({"id": "conv-1"}))
    letta.answer(TALKS, stream(*said()))
    letta.answer(SHARED, stream(*said()))


@pytest.fixture
def since(letta):
    """Requests of this test."""
    before = len(letta.arrived)
    return lambda method="POST": [one for one in letta.arrived[before:] if one.method == method]


def user(text):
    return {"role": "user", "content": text}


async def chat(client, *messages, model="letta/demo", **more):
    return await client.chat.completions.create(model=model, messages=list(messages) or [user("hi")], **more)


async def gone(letta, since, method, path):
    """Once this was asked for, too."""
    while not any(one.path == path for one in since(method)):
        await letta.arrival(len(letta.arrived) + 1)


async def test_agents_are_models_by_their_names_where_these_are_unique(client):
    ids = [one.id async for one in client.models.list()]
    here = [one.removeprefix("letta/") for one in ids if one.startswith("letta/")]
    assert here == ["demo", "agent-2", "other", "agent-4"]
    assert [one for one in ids if one.startswith("one/")] == ["one/Concierge", "one/other"]


async def test_a_call_goes_into_a_conversation_of_its_own_which_is_deleted_then(client, letta, since):
    earlier = [user("one"), {"role": "assistant", "content": "two"}]
    came = await chat(client, {"role": "system", "content": "Be brief."}, *earlier, user("three"))
    assert came.choices[0].message.content == "Hello"
    assert came.choices[0].message.tool_calls is None
    assert came.choices[0].finish_reason == "stop"
    assert (came.usage.prompt_tokens, came.usage.completion_tokens) == (22, 14)
    begun, asked = since()
    assert (begun.path, begun.query) == ("/v1/conversations/", {"agent_id": DEMO})
    assert json.loads(begun.body) == {"hidden": True}
    assert asked.headers["authorization"] == "Bearer sk-letta-canary"
    assert json.loads(asked.body) == {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "one"}]},
            {"role": "assistant", "content": "two"},
            {"role": "user", "content": [{"type": "text", "text": "three"}]},
        ],
        "stream_tokens": True,
        "include_pings": True,
    }
    await gone(letta, since, "DELETE", "/v1/conversations/conv-1")


async def test_a_stream_comes_as_it_is_said(client, letta):
    go_on = asyncio.Event()
    pieces = said()
    letta.answer(TALKS, stream(*pieces[:4], frame("assistant_message", content="Hel"), go_on, *pieces[4:]))
    texts = []
    async for chunk in await chat(client, stream=True, stream_options={"include_usage": True}):
        if chunk.choices and chunk.choices[0].delta.content:
            texts.append(chunk.choices[0].delta.content)
            go_on.set()
    assert texts == ["Hel", "Hello"]
    assert chunk.usage.total_tokens == 36


async def test_the_one_history_of_an_agent_gets_only_what_is_new(client, since):
    earlier = [user("one"), {"role": "assistant", "content": "two"}]
    came = await chat(client, *earlier, user("three"), model="one/Concierge")
    assert came.choices[0].message.content == "Hello"
    [asked] = since()
    assert asked.path == SHARED
    assert "authorization" not in asked.headers
    assert json.loads(asked.body)["messages"] == [{"role": "user", "content": [{"type": "text", "text": "three"}]}]


async def test_each_user_has_a_conversation_that_goes_on(gateway, since, letta):
    none = answer([])
    letta.answer("/v1/conversations/", none, answer({"id": "conv-7"}), none, answer({"id": "conv-8"}))
    for talk in ("conv-7", "conv-8"):
        letta.answer(f"/v1/conversations/{talk}/messages", stream(*said()))
    for key in (ADA, ADA, EVE, ADA):
        body, shown = {"model": "mine/demo", "messages": [user("hi")]}, f"Bearer {key}"
        status, told = await asyncio.to_thread(gateway.post, "/v1/chat/completions", body, authorization=shown)
        assert status == 200, told
    talks = [one.path.split("/")[3] for one in since() if one.path.endswith("/messages")]
    assert talks == ["conv-7", "conv-7", "conv-8", "conv-7"]
    assert not since("DELETE"), "what goes on is not deleted"


async def test_a_client_that_leaves_has_its_run_cancelled(gateway, letta, since):
    letta.answer(TALKS, stream(frame("ping"), frame("assistant_message", content="Hel"), asyncio.Event()))
    headers = {"authorization": f"Bearer {EVE}"}
    body = {"model": "letta/demo", "messages": [user("hi")], "stream": True}
    async with (
        aiohttp.ClientSession(gateway.url, headers=headers) as session,
        session.post("/v1/chat/completions", json=body) as response,
    ):
        await response.content.readuntil(b"Hel")
        response.close()
    await gone(letta, since, "POST", "/v1/conversations/conv-1/cancel")
    [cancel] = [one for one in since() if one.path.endswith("/cancel")]
    assert json.loads(cancel.body) == {"run_ids": ["run-1"]}
    await gone(letta, since, "DELETE", "/v1/conversations/conv-1")


async def test_pings_keep_a_stream_open_that_has_nothing_to_say(gateway, letta):
    letta.answer(TALKS, stream(frame("ping"), frame("ping"), asyncio.Event()))
    headers = {"authorization": f"Bearer {EVE}"}
    for path, alive in (("/v1/chat/completions", b": keep-alive"), ("/v1/messages", b"event: ping")):
        body = {"model": "letta/demo", "messages": [user("hi")], "max_tokens": 9, "stream": True}
        async with (
            aiohttp.ClientSession(gateway.url, headers=headers) as session,
            session.post(path, json=body) as response,
        ):
            assert response.status == 200
            await response.content.readuntil(alive)
            response.close()


async def test_what_ran_there_is_shown_and_not_told_to_it_again(client, since):
    said = await client.responses.create(model="letta/demo", input="hi")
    call = said.output[1]
    assert [item.type for item in said.output] == ["reasoning", "mcp_call", "message"]
    assert (call.server_label, call.name, call.output, call.status) == ("letta", "search", "found", "completed")
    async with client.responses.stream(model="letta/demo", input="hi") as events:
        names = [event.type async for event in events if event.type.startswith("response.mcp_call")]
    assert [name.removeprefix("response.mcp_call") for name in names] == [
        ".in_progress",
        "_arguments.delta",
        "_arguments.done",
        ".completed",
    ]
    again = [item.model_dump(exclude_none=True) for item in said.output if item.type != "reasoning"]
    raw = await client.responses.with_raw_response.create(model="letta/demo", input=[user("hi"), *again, user("and?")])
    assert "x-gateway-loss" not in raw.headers
    asked = [one for one in since() if one.path == TALKS][-1]
    assert json.loads(asked.body)["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": [{"type": "text", "text": "and?"}]},
    ]


async def test_strict_fidelity_refuses_what_an_agent_cannot_be_told(client, since):
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="}}
    said = {"role": "user", "content": [{"type": "text", "text": "hi"}, file]}
    with pytest.raises(openai.UnprocessableEntityError, match="temperature, messages") as raised:
        await chat(client, said, model="strict", temperature=0.5)
    assert raised.value.code == "would_lose"
    assert not since(), "nothing was asked"
    assert (await chat(client, model="strict")).choices[0].message.content == "Hello"


async def test_a_failure_before_a_word_is_a_status_and_another_target_is_asked(client, letta):
    wrong = b"event: error\n" + frame("error_message", error_type="llm_error", message="exploded")
    letta.answer(TALKS, stream(frame("ping"), wrong, b"data: [DONE]\n\n"))
    with pytest.raises(openai.InternalServerError, match="exploded") as raised:
        await chat(client, stream=True)
    assert raised.value.status_code == 502
    came = await chat(client, model="careful")
    assert came.choices[0].message.content == "hi", "echo answered"


@pytest.mark.parametrize(
    ("status", "body", "came", "words"),
    [
        (404, {"detail": "Agent with ID agent-1 not found"}, 404, "Agent with ID agent-1 not found"),
        (
            409,
            {"detail": {"code": "PENDING_APPROVAL", "message": "waits for approval", "pending_request_id": "m"}},
            409,
            "waits",
        ),
        (422, {"trace_id": "", "detail": "[{'type': 'list_type'}]"}, 422, "list_type"),
        (500, {"error": {"type": "llm_error", "message": "no model", "detail": "x"}}, 500, "no model"),
        (401, {"detail": "Unauthorized"}, 502, "credentials"),
    ],
)
async def test_what_it_refuses_is_told(client, letta, status, body, came, words):
    letta.answer(TALKS, answer(body, status))
    with pytest.raises(openai.APIStatusError, match=words) as raised:
        await chat(client)
    assert raised.value.status_code == came
    assert "canary" not in str(raised.value)


async def test_a_stream_that_breaks_off_is_no_answer(client, letta):
    letta.answer(TALKS, stream(*said()[:5], CUT))
    with pytest.raises(openai.APIStatusError):
        await chat(client)
    letta.answer(TALKS, stream(*said()[:5]))
    with pytest.raises(openai.APIError):
        async for _ in await chat(client, stream=True):
            pass


async def test_a_conversation_that_cannot_be_begun_is_begun_at_the_next_call(client, letta):
    none = answer([])
    letta.answer("/v1/conversations/", none, answer({"detail": "no"}, 500), none, answer({"id": "conv-1"}))
    named = {"X-Letta-Chat-Key": "again"}
    with pytest.raises(openai.InternalServerError):
        await chat(client, extra_headers=named)
    assert (await chat(client, extra_headers=named)).choices[0].message.content == "Hello"


async def test_pictures_go_along_and_other_files_are_named(client, since):
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="}}
    parts = [{"type": "text", "text": "what is it?"}, picture, file]
    raw = await client.chat.completions.with_raw_response.create(
        model="letta/demo", messages=[{"role": "user", "content": parts}]
    )
    assert raw.headers["x-gateway-loss"] == "messages[0].content[2]"
    asked = [one for one in since() if one.path == TALKS][-1]
    assert json.loads(asked.body)["messages"][0]["content"][1] == {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": "aGk="},
    }


async def test_a_call_without_words_is_the_clients_mistake(client, since):
    with pytest.raises(openai.BadRequestError, match="no user message"):
        await chat(client, {"role": "system", "content": "Be brief."})
    assert not [one for one in since() if one.path == TALKS]


async def test_a_conversation_is_found_again_by_a_gateway_that_does_not_remember_it(client, letta, since):
    named = {"X-Letta-Chat-Key": "found-again"}
    letta.answer("/v1/conversations/", answer([]), answer({"id": "conv-1"}))
    await chat(client, extra_headers=named)
    summary = json.loads(since()[0].body)["summary"]
    letta.answer(TALKS, answer({"detail": "Conversation not found"}, 404))
    with pytest.raises(openai.NotFoundError):  # what Letta has not any more is forgotten here
        await chat(client, extra_headers=named)
    listed = [{"id": "conv-5", "summary": summary + "0"}, {"id": "conv-9", "summary": summary}]
    letta.answer("/v1/conversations/", answer(listed))
    letta.answer("/v1/conversations/conv-9/messages", stream(*said()))
    before = len(since())
    assert (await chat(client, extra_headers=named)).choices[0].message.content == "Hello"
    [asked] = since()[before:]
    assert asked.path == "/v1/conversations/conv-9/messages"
    assert since("GET")[-1].query["summary_search"] == summary
