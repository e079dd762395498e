"""Official SDKs, through a running gateway, to agents on the official A2A SDK's server, of both eras."""

import json

import anthropic
import openai
import pytest
from a2a_kinds import EVERY
from google import genai

from gateway.testing.running import KEY


def user(text):
    return [{"role": "user", "content": text}]


async def said(client, model, text, stream, **more):
    reply = await client.chat.completions.create(model=model, messages=user(text), stream=stream, **more)
    if not stream:
        return reply.choices[0].message.content
    return "".join([chunk.choices[0].delta.content or "" async for chunk in reply if chunk.choices])


each = pytest.mark.parametrize("model", EVERY)
both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@each
@both
async def test_an_agent_answers_in_pieces_that_belong_together(client, model, stream):
    assert await said(client, model, "Hi", stream) == "Hello from agent"


@each
@both
async def test_an_agent_answers_without_a_task(client, model, stream):
    assert await said(client, model, "DIRECT", stream) == "A direct reply"


@each
@both
async def test_what_is_said_with_the_end_is_said(client, model, stream):
    assert await said(client, model, "LAST", stream) == "All is in here"


async def test_streams_come_piece_by_piece(client):
    stream = await client.chat.completions.create(model="new", messages=user("Hi"), stream=True)
    words = [chunk.choices[0].delta.content async for chunk in stream]
    assert [word for word in words if word] == ["Hello", " from", " agent"]


@each
async def test_a_task_that_fails_is_an_error(client, model):
    with pytest.raises(openai.InternalServerError, match="It broke") as raised:
        await said(client, model, "FAIL", False)
    assert (raised.value.status_code, raised.value.code) == (502, "task_failed")
    with pytest.raises(openai.APIError, match="It broke"):
        await said(client, model, "FAIL", True)


@each
@both
async def test_a_task_that_is_rejected_is_a_refusal(client, model, stream):
    with pytest.raises(openai.UnprocessableEntityError, match="Not my job"):
        await said(client, model, "REJECT", False)
    with pytest.raises(openai.APIError, match="Not my job"):
        await said(client, model, "REJECT", True)


@each
@both
@pytest.mark.parametrize(("text", "answer"), [("ASK", "Which one?"), ("LOGIN", "Go to https://login.example")])
async def test_what_an_agent_asks_its_caller_is_its_answer(client, model, stream, text, answer):
    assert await said(client, model, text, stream) == answer


async def test_what_is_said_while_it_works_are_thoughts(client):
    reply = await client.chat.completions.create(model="new", messages=user("THINK"))
    assert reply.choices[0].message.content == "Seen."
    assert reply.choices[0].message.reasoning_content == "Let me see."


@each
@both
async def test_data_links_and_pictures(client, model, stream):
    reply = await client.chat.completions.with_raw_response.create(model=model, messages=user("PARTS"), stream=False)
    text = reply.parse().choices[0].message.content
    assert text.startswith('Look: {"degrees":21')
    assert "[a.pdf](https://files.example/a.pdf)" in text
    assert "iVBORw0KGgo" in reply.text


@each
async def test_files_of_the_client_reach_the_agent(client, model):
    parts = [
        {"type": "text", "text": "HEARD"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    ]
    reply = await client.chat.completions.create(model=model, messages=[{"role": "user", "content": parts}])
    assert reply.choices[0].message.content.endswith("['text', 'raw', 'url']")


async def test_what_was_said_before_is_told(client, agents):
    messages = [
        {"role": "system", "content": "Be kind."},
        *user("My name is Ada."),
        {"role": "assistant", "content": "Hello Ada."},
        *user("HEARD"),
    ]
    reply = await client.chat.completions.create(model="new", messages=messages)
    heard = reply.choices[0].message.content
    for part in ("Be kind.", "user: My name is Ada.", "assistant: Hello Ada.", "HEARD"):
        assert part in heard


async def test_what_agents_do_not_take_is_told(client):
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    reply = await client.chat.completions.with_raw_response.create(
        model="new", messages=user("Hi"), temperature=0, max_tokens=5, tools=[tool]
    )
    assert reply.headers["x-gateway-loss"] == "tools, temperature, max_output_tokens"
    assert reply.headers["x-gateway-route"] == "new/new"


async def test_what_agents_do_not_take_is_refused_where_nothing_may_be_lost(client):
    with pytest.raises(openai.UnprocessableEntityError, match="temperature"):
        await said(client, "strict", "Hi", False, temperature=0)
    assert await said(client, "strict", "Hi", False) == "Hello from agent"


@each
@both
async def test_a_responses_client_goes_on_in_the_agents_context(client, model, stream):
    async def turn(text, **more):
        reply = await client.responses.create(model=model, input=text, stream=stream, **more)
        return [event async for event in reply][-1].response if stream else reply

    first = await turn("CONTEXT")
    second = await turn("CONTEXT", previous_response_id=first.id)
    other = await turn("CONTEXT")
    (one, at_first), (two, later), (_, elsewhere) = (r.output_text.split(" in ") for r in (first, second, other))
    assert (one, two, at_first) == ("1", "2", later)
    assert elsewhere != later


@each
async def test_a_task_that_waits_for_its_caller_goes_on(client, model):
    asked = await client.responses.create(model=model, input="ASK")
    assert asked.output_text == "Which one?"
    answered = await client.responses.create(model=model, input="The red one", previous_response_id=asked.id)
    assert answered.output_text == "Hello from agent"


async def test_a_conversation_that_the_client_names_is_its_own(client, gateway):
    named = {"conversation_id": "my chat"}
    one = await said(client, "new", "CONTEXT", False, extra_body=named)
    two = await said(client, "new", "CONTEXT", False, extra_body=named)
    assert one.split(" in ")[1] == two.split(" in ")[1]
    assert two.startswith("2 in ")


@pytest.mark.parametrize("name", ["resp_none", "resp_aAAAA", "resp_a" + "A" * 51])
async def test_a_response_that_is_none_of_ours_is_404(client, name):
    with pytest.raises(openai.NotFoundError):
        await client.responses.create(model="new", input="Hi", previous_response_id=name)


@pytest.mark.parametrize("model", ["new", "old"])
async def test_a_client_that_leaves_cancels_its_task(client, agents, until, model):
    before = len(agents.seen(model)["canceled"])
    reply = await client.chat.completions.create(model=model, messages=user("FOREVER"), stream=True)
    async for chunk in reply:
        if chunk.choices[0].delta.content:
            break
    await reply.close()
    await until(lambda: len(agents.seen(model)["canceled"]) == before + 1)


@pytest.mark.parametrize("model", ["keyed", "bearer", "old-keyed"])
@both
async def test_the_key_goes_where_the_card_says(client, model, stream):
    assert await said(client, model, "Hi", stream) == "Hello from agent"


@both
async def test_an_agent_that_quotes_the_key_is_not_passed_on(client, stream):
    with pytest.raises(openai.APIError, match="I was called with") as raised:
        await said(client, "bearer", "QUOTE", stream)
    assert "the-agents-key" not in str(raised.value)


async def test_a_key_that_is_refused_is_the_operators_to_mend(client):
    with pytest.raises(openai.InternalServerError, match="gateway's own credentials"):
        await said(client, "locked-out", "Hi", False)


async def test_an_agent_that_is_away_is_502_and_a_route_goes_on(client):
    with pytest.raises(openai.InternalServerError) as raised:
        await said(client, "away", "Hi", False)
    assert raised.value.status_code == 502
    assert await said(client, "safe", "Hi", True) == "Hello from agent"


async def test_it_is_a_model_like_any_other(client, gateway):
    listed = [model.id async for model in await client.models.list()]
    assert "new/new" in listed
    assert (await client.models.retrieve("agent_far")).id == "agent_far"
    agents_only = client.with_options(base_url=f"{gateway.url}/api/agents/v1")
    assert "Be kind." in await said(agents_only, "agent_far", "HEARD", False)


async def test_tokens_are_estimated_and_recorded(client, gateway, until):
    reply = await client.chat.completions.with_raw_response.create(model="new", messages=user("Hi"))
    name = reply.headers["x-gateway-exchange"]
    lines = []

    def logged():
        lines[:] = [json.loads(line) for line in list(gateway.errors) if name in line]
        return bool(lines)

    await until(logged)
    assert lines[0]["tokens"]["estimated"] is True
    assert lines[0]["tokens"]["output"] == 4


async def test_the_other_dialects(gateway):
    async with anthropic.AsyncAnthropic(base_url=gateway.url, api_key=KEY) as claude:
        async with claude.messages.stream(model="new", max_tokens=9, messages=user("Hi")) as reply:
            message = await reply.get_final_message()
        assert message.content[0].text == "Hello from agent"
    gemini = genai.Client(api_key=KEY, http_options={"base_url": gateway.url})
    assert (await gemini.aio.models.generate_content(model="new", contents="Hi")).text == "Hello from agent"
