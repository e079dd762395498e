"""Official SDKs through a running gateway to a stand-in for the Assistants API."""

import asyncio

import anthropic
import openai
import pytest
import pytest_asyncio
from assistants_stand_in import KEY, StandIn

from gateway.testing.running import RunningGateway

pytestmark = pytest.mark.asyncio(loop_scope="module")
CONFIG = """
version: "1.3.17"
endpoints:
  assistants: {excludedIds: [asst_three]}
  azureAssistants: {supportedIds: [asst_two]}
"""
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def far():
    async with StandIn() as far:
        yield far


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(far, tmp_path_factory):
    environ = {"ASSISTANTS_API_KEY": KEY, "ASSISTANTS_BASE_URL": far.url}
    environ |= {"AZURE_ASSISTANTS_API_KEY": KEY, "AZURE_ASSISTANTS_BASE_URL": far.url + "?api-version=2024-05-01"}
    async with RunningGateway(tmp_path_factory.mktemp("assistants"), CONFIG, environ=environ) as running:
        yield running
    assert KEY not in running.printed


@pytest_asyncio.fixture(loop_scope="module")
async def client(gateway):
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0) as client:
        yield client


def user(text):
    return [{"role": "user", "content": text}]


async def said(client, text, stream, model="assistants/asst_one"):
    reply = await client.chat.completions.create(model=model, messages=user(text), stream=stream)
    if not stream:
        return reply.choices[0].message.content
    return "".join([chunk.choices[0].delta.content or "" async for chunk in reply if chunk.choices])


async def until(true):
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


async def test_the_stand_in_speaks_as_openais_sdk_reads(far):
    async with openai.AsyncOpenAI(base_url=far.url, api_key=KEY) as direct:
        run = {
            "assistant_id": "asst_one",
            "thread": {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]},
        }
        with pytest.warns(DeprecationWarning, match="Assistants API"):
            stream = await direct.beta.threads.create_and_run(**run, stream=True)
        events = [event async for event in stream]
        names = [event.event for event in events]
        assert names[:3] == ["thread.created", "thread.run.created", "thread.run.in_progress"]
        words = [event.data.delta.content[0].text.value for event in events if event.event == "thread.message.delta"]
        assert "".join(words) == "You said: Hi (1)"
        assert events[-1].data.usage.total_tokens == 10


@both
async def test_an_assistant_answers(client, stream):
    assert await said(client, "Hello", stream) == "You said: Hello (1)"


async def test_assistants_are_models_as_far_as_they_are_offered(client, far):
    listed = [model.id async for model in await client.models.list()]
    offered = [name for name in listed if "ssistants/" in name]
    assert offered == ["assistants/asst_one", "assistants/asst_two", "azureAssistants/asst_two"]
    assert await said(client, "Hi", True, "azureAssistants/asst_two") == "You said: Hi (1)"
    assert far.calls("POST", "/threads/runs")[-1][2]["api-key"] == KEY
    with pytest.raises(openai.NotFoundError):
        await said(client, "Hi", False, "assistants/asst_three")


async def test_usage_is_what_the_run_says(client):
    reply = await client.chat.completions.create(model="assistants/asst_one", messages=user("Hi"))
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (7, 3)


async def test_what_is_said_goes_into_the_thread_and_parameters_into_the_run(client, far):
    messages = [
        {"role": "system", "content": "Be kind."},
        *user("One"),
        {"role": "assistant", "content": "Two"},
        *user("Three"),
    ]
    more = {"temperature": 0.5, "max_tokens": 50, "tools": [TOOL]}
    reply = await client.chat.completions.with_raw_response.create(
        model="assistants/asst_one", messages=messages, **more
    )
    assert reply.headers["x-gateway-loss"] == "tools"
    body = far.calls("POST", "/threads/runs")[-1][3]
    assert [one["role"] for one in body["thread"]["messages"]] == ["user", "assistant", "user"]
    assert (body["additional_instructions"], body["temperature"]) == ("Be kind.", 0.5)
    assert body["max_completion_tokens"] == 50


async def test_a_thread_that_nobody_goes_on_with_is_deleted(client, far):
    before = len(far.calls("DELETE", ""))
    await said(client, "Hi", False)
    await until(lambda: len(far.calls("DELETE", "")) == before + 1)


@both
async def test_a_responses_client_goes_on_in_its_thread(client, far, stream):
    async def turn(text, **more):
        reply = await client.responses.create(model="assistants/asst_one", input=text, stream=stream, **more)
        return [event async for event in reply][-1].response if stream else reply

    first = await turn("One")
    second = await turn("Two", previous_response_id=first.id)
    third = await turn("Three", previous_response_id=second.id)
    assert [one.output_text for one in (first, second, third)] == [
        "You said: One (1)",
        "You said: Two (2)",
        "You said: Three (3)",
    ]


@pytest.mark.parametrize("name", ["resp_none", "resp_as1-AAAAAAAA"])
async def test_a_response_that_is_none_of_ours_is_404(client, name):
    with pytest.raises(openai.NotFoundError):
        await client.responses.create(model="assistants/asst_one", input="Hi", previous_response_id=name)


async def test_the_client_runs_the_assistants_functions(client):
    messages = user("tool")
    reply = await client.chat.completions.create(model="assistants/asst_one", messages=messages)
    calls = reply.choices[0].message.tool_calls
    assert (reply.choices[0].finish_reason, [call.function.name for call in calls]) == ("tool_calls", ["look", "look"])
    messages += [reply.choices[0].message.model_dump(exclude_none=True)]
    messages += [{"role": "tool", "tool_call_id": call.id, "content": "sun"} for call in calls]
    answer = await client.chat.completions.with_raw_response.create(model="assistants/asst_one", messages=messages)
    assert answer.parse().choices[0].message.content == "Tools said call_1=sun, call_2=sun"
    assert "x-gateway-loss" not in answer.headers


async def test_a_messages_client_runs_them_too(gateway):
    async with anthropic.AsyncAnthropic(base_url=gateway.url, api_key=gateway.key, max_retries=0) as claude:
        asked = {"model": "assistants/asst_one", "max_tokens": 99}
        reply = await claude.messages.create(**asked, messages=user("tool"))
        results = [{"type": "tool_result", "tool_use_id": one.id, "content": "sun"} for one in reply.content]
        messages = [
            *user("tool"),
            {"role": "assistant", "content": reply.content},
            {"role": "user", "content": results},
        ]
        answer = await claude.messages.create(**asked, messages=messages)
        assert answer.content[0].text == "Tools said call_1=sun, call_2=sun"


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("fail", openai.InternalServerError, "It went wrong"),
        ("limited", openai.RateLimitError, "It went wrong"),
        ("broken", openai.InternalServerError, "The server broke"),
        ("cut", openai.InternalServerError, "before it was complete"),
    ],
)
async def test_a_run_that_fails_is_an_error(client, text, error, words):
    with pytest.raises(error, match=words):
        await said(client, text, False)
    with pytest.raises(openai.APIError, match=words):
        await said(client, text, True)


async def test_a_run_that_was_cut_by_its_limit_says_so(client):
    reply = await client.chat.completions.create(model="assistants/asst_one", messages=user("limit"))
    assert reply.choices[0].finish_reason == "length"


async def test_a_client_that_leaves_ends_the_run(client, far):
    before = len(far.calls("POST", "/cancel"))
    stream = await client.chat.completions.create(model="assistants/asst_one", messages=user("slow"), stream=True)
    async for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    await stream.close()
    await asyncio.wait_for(far.gone.wait(), 30)
    await until(lambda: len(far.calls("POST", "/cancel")) == before + 1)
