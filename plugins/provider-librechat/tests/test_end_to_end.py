"""Official SDKs of all four dialects, through a running gateway, to a stand-in for LibreChat's Agents API."""

import asyncio
import json

import anthropic
import openai
import pytest
import pytest_asyncio
from google import genai
from google.genai import errors as genai_errors
from librechat_stand_in import ADA, BARRED, BOB, CONVERSATION, TOKEN, StandIn

from gateway.testing.running import RunningGateway

pytestmark = pytest.mark.asyncio(loop_scope="module")
WRONG = "sk-" + "d" * 64


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def far():
    async with StandIn() as far:
        yield far


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(far, tmp_path_factory):
    async with RunningGateway(tmp_path_factory.mktemp("librechat"), None, "--librechat", far.url) as running:
        yield running
    assert not [secret for secret in (ADA, BOB, TOKEN) if secret in running.printed]


@pytest_asyncio.fixture(loop_scope="module")
async def chat(gateway):
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/api/agents/v1", api_key=ADA, max_retries=0) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def claude(gateway):
    async with anthropic.AsyncAnthropic(base_url=gateway.url, api_key=ADA, max_retries=0) as client:
        yield client


@pytest.fixture
def gemini(gateway):
    return genai.Client(api_key=ADA, http_options={"base_url": gateway.url})


def user(text):
    return [{"role": "user", "content": text}]


async def said(stream):
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])


async def read(stream):
    return [event async for event in stream]


def last(far):
    return json.loads(far.asked[-1][2])


async def test_each_key_sees_its_own_agents_under_both_mounts(gateway, chat):
    for base in ("/api/agents/v1", "/v1"):
        own = chat.with_options(base_url=gateway.url + base)
        assert [model.id async for model in await own.models.list()] == ["agent_poet", "agent_private", "agent_whole"]
        other = own.with_options(api_key=BOB)
        assert [model.id async for model in await other.models.list()] == ["agent_poet"]
    assert (await chat.models.retrieve("agent_poet")).id == "agent_poet"


async def test_chat_speaks_and_librechat_charges_the_key_that_asked(chat, far):
    before = dict(far.charged)
    reply = await chat.chat.completions.create(model="agent_poet", messages=user("Hello"))
    assert (reply.choices[0].message.content, reply.choices[0].finish_reason) == ("You said: Hello", "stop")
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (7, 3)
    assert far.charged[ADA] - before.get(ADA, 0) == 10
    assert {key for key in far.charged if far.charged[key] != before.get(key)} == {ADA}
    assert far.asked[-1][0] == ADA


async def test_chat_streams(chat):
    asked = {"model": "agent_poet", "messages": user("Hello"), "stream": True}
    chunks = [chunk async for chunk in await chat.chat.completions.create(**asked)]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "You said: Hello"
    assert all(chunk.usage is None for chunk in chunks), "usage that nobody asked for"
    counted = await chat.chat.completions.create(**asked, stream_options={"include_usage": True})
    assert (await read(counted))[-1].usage.total_tokens == 10


@pytest.mark.parametrize("stream", [False, True])
async def test_responses(chat, stream):
    reply = await chat.responses.create(model="agent_poet", input=user("Hello"), stream=stream)
    if stream:
        events = await read(reply)
        assert "".join(event.delta for event in events if event.type == "response.output_text.delta")
        reply = events[-1].response
        assert events[-1].type == "response.completed"
    assert reply.output_text == "You said: Hello"
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (7, 3)


@pytest.mark.parametrize("stream", [False, True])
async def test_messages(claude, stream):
    asked = {"model": "agent_poet", "max_tokens": 99, "messages": user("Hello")}
    if stream:
        async with claude.messages.stream(**asked) as reply:
            message = await reply.get_final_message()
    else:
        message = await claude.messages.create(**asked)
    assert (message.content[0].text, message.stop_reason) == ("You said: Hello", "end_turn")
    assert (message.usage.input_tokens, message.usage.output_tokens) == (7, 3)


@pytest.mark.parametrize("stream", [False, True])
async def test_gemini(gemini, stream):
    asked = {"model": "agent_poet", "contents": "Hello"}
    if stream:
        chunks = [chunk async for chunk in await gemini.aio.models.generate_content_stream(**asked)]
        assert "".join(chunk.text or "" for chunk in chunks) == "You said: Hello"
        counted = chunks[-1].usage_metadata
    else:
        reply = await gemini.aio.models.generate_content(**asked)
        assert reply.text == "You said: Hello"
        counted = reply.usage_metadata
    assert (counted.prompt_token_count, counted.candidates_token_count) == (7, 3)


async def test_an_agents_name_will_do(chat):
    reply = await chat.chat.completions.create(model="Private", messages=user("Hi"))
    assert reply.choices[0].message.content == "You said: Hi"


async def test_a_token_of_librechats_oidc_is_taken_too(chat, far):
    reply = await chat.with_options(api_key=TOKEN).chat.completions.create(model="agent_poet", messages=user("Hi"))
    assert reply.choices[0].message.content == "You said: Hi"
    assert far.asked[-1][0] == TOKEN


async def test_a_wrong_key_is_401_in_each_dialect(chat, gateway):
    with pytest.raises(openai.AuthenticationError):
        await chat.with_options(api_key=WRONG).chat.completions.create(model="agent_poet", messages=user("Hi"))
    with pytest.raises(openai.AuthenticationError):
        await chat.with_options(api_key=WRONG).responses.create(model="agent_poet", input="Hi")
    async with anthropic.AsyncAnthropic(base_url=gateway.url, api_key=WRONG, max_retries=0) as claude:
        with pytest.raises(anthropic.AuthenticationError):
            await claude.messages.create(model="agent_poet", max_tokens=9, messages=user("Hi"))
    wrong = genai.Client(api_key=WRONG, http_options={"base_url": gateway.url})
    with pytest.raises(genai_errors.ClientError) as raised:
        await wrong.aio.models.generate_content(model="agent_poet", contents="Hi")
    assert raised.value.code == 401


async def test_whom_librechat_lets_call_no_agents_reads_why(chat):
    with pytest.raises(openai.PermissionDeniedError, match="Insufficient permissions"):
        await chat.with_options(api_key=BARRED).chat.completions.create(model="agent_poet", messages=user("Hi"))


async def test_another_users_agent_is_librechats_403_and_an_unknown_one_its_404(chat):
    with pytest.raises(openai.PermissionDeniedError, match="No remote access to agent: agent_private"):
        await chat.with_options(api_key=BOB).chat.completions.create(model="agent_private", messages=user("Hi"))
    with pytest.raises(openai.NotFoundError, match="Agent not found: agent_none"):
        await chat.chat.completions.create(model="agent_none", messages=user("Hi"))


async def test_the_gateways_own_key_never_goes_to_librechat(chat, gateway, far):
    before = len(far.asked)
    own = chat.with_options(api_key=gateway.key, base_url=f"{gateway.url}/v1")
    with pytest.raises(openai.PermissionDeniedError, match="LibreChat's own keys"):
        await own.chat.completions.create(model="librechat/agent_poet", messages=user("Hi"))
    assert len(far.asked) == before


# Defects, each by the section of the facts that states it


@pytest.mark.parametrize("call", ["fail", "late fail"])
async def test_an_error_that_comes_as_text_is_an_error(chat, claude, gemini, call):
    """1.3, 1.4: a chunk of text with the finish reason `stop`, in a stream of status 200."""
    with pytest.raises(openai.APIError, match="429 Rate limit reached for gpt"):
        await said(await chat.chat.completions.create(model="agent_poet", messages=user(call), stream=True))
    with pytest.raises(openai.APIError, match="429 Rate limit reached for gpt"):
        await read(await chat.responses.create(model="agent_poet", input=call, stream=True))
    with pytest.raises(anthropic.APIStatusError, match="Rate limit reached"):
        async with claude.messages.stream(model="agent_poet", max_tokens=9, messages=user(call)) as reply:
            await reply.get_final_message()
    with pytest.raises(genai_errors.APIError, match="Rate limit reached"):
        await asyncio.to_thread(list, gemini.models.generate_content_stream(model="agent_poet", contents=call))


async def test_an_error_that_comes_as_text_is_never_shown_as_text(chat):
    stream = await chat.chat.completions.create(model="agent_poet", messages=user("late fail"), stream=True)
    words = [(await anext(stream)).choices[0].delta.content for _ in range(2)]
    with pytest.raises(openai.APIError):
        words.append((await anext(stream)).choices[0].delta.content)
    assert words == ["", "It was a"]


async def test_an_unstreamed_refusal_keeps_its_status(chat):
    """1.3: the provider's status, its words and its code."""
    with pytest.raises(openai.RateLimitError, match="Rate limit reached") as raised:
        await chat.chat.completions.create(model="agent_poet", messages=user("fail"))
    assert raised.value.code == "rate_limit_exceeded"


async def test_an_error_whose_message_is_json_reads_as_words(chat):
    """1.3: `{"type":"no_user_key"}`."""
    with pytest.raises(openai.InternalServerError) as raised:
        await chat.chat.completions.create(model="agent_poet", messages=user("no key"))
    assert raised.value.code == "no_user_key"
    assert "{" not in raised.value.body["message"]


async def test_developer_messages_go_as_system(chat, far):
    """1.3: the role is refused. 1.5: it is mapped there."""
    messages = [{"role": "developer", "content": "Be brief."}, *user("Hello")]
    await chat.chat.completions.create(model="agent_poet", messages=messages)
    assert [message["role"] for message in last(far)["messages"]] == ["system", "user"]


async def test_what_librechat_ignores_is_told(chat):
    """1.4: tools, sampling, limits."""
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    reply = await chat.chat.completions.with_raw_response.create(
        model="agent_poet", messages=user("Hello"), temperature=0, max_tokens=5, tools=[tool], seed=1, stop=["x"]
    )
    assert reply.headers["x-gateway-loss"] == "tools, temperature, seed, stop, max_output_tokens"


async def test_a_call_with_nothing_to_lose_loses_nothing(chat):
    reply = await chat.chat.completions.with_raw_response.create(model="agent_poet", messages=user("Hello"))
    assert "x-gateway-loss" not in reply.headers


@pytest.mark.parametrize("stream", [False, True])
async def test_calls_that_librechat_ran_are_not_the_clients_to_run(chat, stream):
    """1.4: history, with `tool_calls` as finish reason where there was no text."""
    call = "tools" if stream else "only tools"
    reply = await chat.chat.completions.create(model="agent_poet", messages=user(call), stream=stream)
    if stream:
        choices = [chunk.choices[0] async for chunk in reply if chunk.choices]
        assert not any(choice.delta.tool_calls for choice in choices)
        assert choices[-1].finish_reason == "stop"
    else:
        assert (reply.choices[0].finish_reason, reply.choices[0].message.tool_calls) == ("stop", None)


async def test_calls_that_librechat_ran_are_no_items_that_are_never_ended(chat):
    """1.5: such items stay `in_progress` there."""
    events = await read(await chat.responses.create(model="agent_poet", input="tools", stream=True))
    response = events[-1].response
    assert response.output_text == "You said: tools"
    calls = [item for item in response.output if item.type == "mcp_call"]
    assert {item.type for item in response.output} == {"mcp_call", "message"}
    assert {(item.server_label, item.status, item.output) for item in calls} == {("librechat", "completed", None)}
    assert len(calls) == sum(event.type == "response.mcp_call.completed" for event in events)
    again = [item.model_dump(exclude_none=True) for item in response.output]
    raw = await chat.responses.with_raw_response.create(model="agent_poet", input=[*user("tools"), *again, *user("Hi")])
    assert raw.parse().output_text == "You said: Hi"
    assert "x-gateway-loss" not in raw.headers, "what is shown alone is no loss"


async def test_frames_of_librechats_own_break_no_sdk(chat):
    """1.4: `event: attachment` and `on_summarize_*` between the chunks."""
    text = await said(await chat.chat.completions.create(model="agent_poet", messages=user("attach"), stream=True))
    assert text == "You said: attach"


@pytest.mark.parametrize("stream", [False, True])
async def test_thoughts_have_openais_names(chat, stream):
    """1.4: `reasoning`. 1.5: `response.reasoning.delta`."""
    reply = await chat.responses.create(model="agent_poet", input="think", stream=stream)
    if stream:
        events = await read(reply)
        assert not [event for event in events if event.type.startswith("response.reasoning.")]
        reply = events[-1].response
    thoughts = [item for item in reply.output if item.type == "reasoning"]
    assert [part.text for part in [*thoughts[0].summary, *(thoughts[0].content or [])]] == ["Let me see."]


async def test_an_agent_that_does_not_stream_is_streamed(chat):
    """1.4: `disableStreaming` answers with JSON."""
    assert await said(await chat.chat.completions.create(model="agent_whole", messages=user("Hi"), stream=True)) == (
        "You said: Hi"
    )


@pytest.mark.parametrize("stream", [False, True])
async def test_a_conversation_of_librechats_goes_on(chat, far, stream):
    """1.5: `previous_response_id` is a conversation's id; items without a type are dropped; nulls are refused."""
    more = {"previous_response_id": CONVERSATION, "instructions": "Be kind."}
    reply = await chat.responses.create(model="agent_poet", input=user("Hello"), stream=stream, **more)
    if stream:
        reply = (await read(reply))[-1].response
    assert reply.output_text == "You said: Hello (4)"
    assert (reply.usage.input_tokens, reply.usage.input_tokens_details.cached_tokens) == (9, 4)
    assert far.asked[-1][1].endswith("/responses")
    assert [item["type"] for item in last(far)["input"]] == ["message", "message"]
    assert None not in last(far).values()


async def test_a_response_that_ends_with_done_alone_has_failed(chat):
    """1.3: `data: [DONE]` and nothing else."""
    more = {"previous_response_id": CONVERSATION, "stream": True}
    with pytest.raises(openai.APIError, match="does not say of what"):
        await read(await chat.responses.create(model="agent_poet", input="fail", **more))


async def test_an_unknown_conversation_is_404(chat):
    with pytest.raises(openai.NotFoundError, match="Conversation not found"):
        await chat.responses.create(model="agent_poet", input="Hi", previous_response_id="resp_lx1abcdef")


async def test_members_of_librechats_own_go_through(chat, far):
    extra = {"conversation_id": CONVERSATION, "timezone": "Europe/Berlin"}
    await chat.chat.completions.create(model="agent_poet", messages=user("Hi"), extra_body=extra)
    assert {name: last(far)[name] for name in extra} == extra


async def test_a_client_that_leaves_ends_the_run(chat, far):
    far.gone.clear()
    stream = await chat.chat.completions.create(model="agent_poet", messages=user("slow"), stream=True)
    async for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    await stream.close()
    await asyncio.wait_for(far.gone.wait(), 30)


async def test_a_key_that_is_revoked_there_is_refused_at_once_when_it_calls(chat, far):
    own = chat.with_options(api_key=BOB)
    await own.chat.completions.create(model="agent_poet", messages=user("Hi"))
    far.revoked.add(BOB)
    before = len(far.refused)
    try:
        for _ in range(2):
            with pytest.raises(openai.AuthenticationError):
                await own.chat.completions.create(model="agent_poet", messages=user("Hi"))
        assert far.asked[-1][1].endswith("/chat/completions"), "the first call after it was let in"
        assert len(far.refused) - before == 2, "the first call, and the question about the key"
    finally:
        far.revoked.discard(BOB)


async def test_while_librechat_is_down_nobody_new_comes_in(chat, far):
    far.down = True
    try:
        with pytest.raises(openai.InternalServerError) as raised:
            await chat.with_options(api_key="sk-" + "e" * 64).models.list()
        assert raised.value.status_code == 503
    finally:
        far.down = False
