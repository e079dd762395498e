"""A real upstream: llama.cpp's own server on a tiny random model, behind endpoints.custom, driven by the SDKs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import anthropic
import openai
import pytest
from conversing import CLIENTS
from google import genai
from google.genai import errors, types

from gateway.testing.running import RunningGateway

HELLO: Any = [{"role": "user", "content": "Say something."}]
SCHEMA: Any = {
    "type": "json_schema",
    "json_schema": {
        "name": "colour",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"colour": {"type": "string", "enum": ["red", "green"]}},
            "required": ["colour"],
            "additionalProperties": False,
        },
    },
}
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "pick",
        "description": "Pick a colour",
        "parameters": {
            "type": "object",
            "properties": {"colour": {"type": "string", "enum": ["red", "green"]}},
            "required": ["colour"],
        },
    },
}
CONFIG = """
version: "1.3.17"
interface: {{remoteAgents: {{use: true}}}}
endpoints:
  custom:
    - name: tiny
      apiKey: none
      baseURL: {url}/v1
      models: {{default: [tiny-random], fetch: true}}
    - name: claude
      apiKey: none
      baseURL: {url}
      provider: anthropic
      models: {{default: [tiny-messages]}}
    - name: responds
      apiKey: none
      baseURL: {url}/v1
      models: {{default: [tiny-responses]}}
gateway:
  provider-custom:
    dialects: {{responds: [open-responses]}}
  agents:
    - id: agent_tiny
      name: Tiny
      endpoint: tiny
      model: tiny-random
      instructions: CANARY-INSTRUCTIONS speak softly
      model_parameters: {{max_tokens: 8, temperature: 0.1}}
      locked: [max_tokens]
"""


@pytest.fixture(scope="module")
def gateway(tinyllm: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with RunningGateway(tmp_path_factory.mktemp("tinygw"), CONFIG.format(url=tinyllm)) as running:
        yield running


@pytest.fixture(scope="module")
def client(gateway: RunningGateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.key, max_retries=0) as sdk:
        yield sdk


@pytest.fixture(scope="module")
def claude(gateway: RunningGateway) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=gateway.url, api_key=gateway.key, max_retries=0) as sdk:
        yield sdk


@pytest.fixture(scope="module")
def gemini(gateway: RunningGateway) -> Iterator[genai.Client]:
    options = types.HttpOptions(base_url=gateway.url)
    with genai.Client(api_key=gateway.key, vertexai=False, http_options=options) as sdk:
        yield sdk


@pytest.mark.parametrize("model", ["agent_tiny", "Tiny", "tiny/tiny-random", "tiny-random"])
def test_chat_answers_by_every_name(client: openai.OpenAI, model: str) -> None:
    said = client.chat.completions.create(model=model, messages=HELLO, max_tokens=6)
    assert said.choices[0].message.content
    assert said.usage is not None
    assert said.usage.completion_tokens > 0


def test_a_locked_parameter_wins_and_another_is_the_clients(client: openai.OpenAI) -> None:
    said = client.chat.completions.create(model="agent_tiny", messages=HELLO, max_tokens=40)
    assert said.usage is not None
    assert said.usage.completion_tokens <= 8


def test_a_stream_gives_text_and_usage_only_when_asked(client: openai.OpenAI) -> None:
    plain = list(client.chat.completions.create(model="agent_tiny", messages=HELLO, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in plain)
    assert all(chunk.usage is None for chunk in plain)
    asked = list(
        client.chat.completions.create(
            model="agent_tiny", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    assert asked[-1].usage is not None


def test_structured_output_and_tools_pass(client: openai.OpenAI) -> None:
    said = client.chat.completions.create(model="tiny-random", messages=HELLO, response_format=SCHEMA, max_tokens=40)
    assert json.loads(said.choices[0].message.content or "")["colour"] in ("red", "green")
    called = client.chat.completions.create(
        model="tiny-random", messages=HELLO, tools=[TOOL], tool_choice="required", max_tokens=60
    )
    [call] = called.choices[0].message.tool_calls or []
    assert json.loads(call.function.arguments)["colour"] in ("red", "green")  # type: ignore[union-attr]


def test_responses_are_translated_from_a_chat_upstream(client: openai.OpenAI) -> None:
    said = client.responses.create(model="agent_tiny", input="Say something.", instructions="In one word.")
    assert said.output_text
    assert said.status in ("completed", "incomplete")
    assert said.instructions == "In one word."
    assert said.usage is not None
    assert said.usage.output_tokens > 0
    assert "CANARY-INSTRUCTIONS" not in said.model_dump_json()


def test_a_responses_stream_has_its_life_cycle_from_a_chat_upstream(client: openai.OpenAI) -> None:
    events = list(client.responses.create(model="tiny-random", input="Hi", stream=True, max_output_tokens=16))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-1] in ("response.completed", "response.incomplete")
    deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert deltas == events[-1].response.output_text  # type: ignore[union-attr]


def test_a_structured_response_is_translated(client: openai.OpenAI) -> None:
    form = {"type": "json_schema", **SCHEMA["json_schema"]}
    said = client.responses.create(model="tiny-random", input="Hi", text={"format": form}, max_output_tokens=64)  # type: ignore[arg-type,typeddict-item]
    assert json.loads(said.output_text)["colour"] in ("red", "green")


def test_an_upstreams_400_is_the_clients(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="tiny-random", messages=[{"role": "user", "content": "word " * 70000}])


# Every dialect's SDK, on each of the three APIs that the server has

MODELS = ("tiny/tiny-random", "claude/tiny-messages", "responds/tiny-responses")
"""By the API that the server is asked by; it takes any name."""
COLOURS = ("red", "green")


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", CLIENTS)
def test_every_sdk_is_answered_from_every_api(gateway: RunningGateway, name: str, model: str, streamed: bool) -> None:
    with closing(CLIENTS[name](gateway.url, gateway.key)) as one:
        heard = one.heard(one.reply(model, one.began(), streamed))
    assert heard.text or heard.thoughts or heard.calls
    assert heard.wrote > 0
    assert heard.finish in ("stop", "length", "calls")


def test_a_schema_binds_the_answer_in_every_dialect(
    client: openai.OpenAI, claude: anthropic.Anthropic, gemini: genai.Client
) -> None:
    model, named = MODELS[0], SCHEMA["json_schema"]
    chat = client.chat.completions.create(model=model, messages=HELLO, response_format=SCHEMA, max_tokens=64)
    form: Any = {"format": {"type": "json_schema", **named}}
    response = client.responses.create(model=model, input="Hi", text=form, max_output_tokens=64)
    told: Any = {"format": {"type": "json_schema", "schema": named["schema"]}}
    message = claude.messages.create(model=model, max_tokens=64, messages=HELLO, output_config=told)
    config = types.GenerateContentConfig(
        response_mime_type="application/json", response_json_schema=named["schema"], max_output_tokens=64
    )
    generated = gemini.models.generate_content(model=model, contents="Hi", config=config)
    words = "".join(block.text for block in message.content if block.type == "text")
    texts = (chat.choices[0].message.content, response.output_text, words, generated.text)
    assert all(json.loads(text or "")["colour"] in COLOURS for text in texts)


@pytest.mark.parametrize("model", MODELS)
def test_a_tool_that_must_be_called_is_called_in_every_dialect(
    client: openai.OpenAI, claude: anthropic.Anthropic, gemini: genai.Client, model: str
) -> None:
    function = TOOL["function"]
    chat = client.chat.completions.create(
        model=model, messages=HELLO, tools=[TOOL], tool_choice="required", max_tokens=64
    )
    calls: list[Any] = [json.loads(call.function.arguments) for call in chat.choices[0].message.tool_calls or ()]  # type: ignore[union-attr]
    tool: Any = {"type": "function", **function}
    response = client.responses.create(
        model=model, input="Hi", tools=[tool], tool_choice="required", max_output_tokens=64
    )
    calls += [json.loads(item.arguments) for item in response.output if item.type == "function_call"]
    declared: Any = {"name": "pick", "description": "Pick", "input_schema": function["parameters"]}
    message = claude.messages.create(
        model=model, max_tokens=64, messages=HELLO, tools=[declared], tool_choice={"type": "any"}
    )
    calls += [block.input for block in message.content if block.type == "tool_use"]
    config = types.GenerateContentConfig(
        tools=[
            types.Tool(
                function_declarations=[
                    types.FunctionDeclaration(name="pick", parameters_json_schema=function["parameters"])
                ]
            )
        ],
        tool_config=types.ToolConfig(
            function_calling_config=types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode.ANY)
        ),
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        max_output_tokens=64,
    )
    generated = gemini.models.generate_content(model=model, contents="Hi", config=config)
    calls += [call.args for call in generated.function_calls or ()]
    assert len(calls) == 4
    assert all(call["colour"] in COLOURS for call in calls)


# What only this server has


def test_tokens_are_counted_by_the_server_itself(
    claude: anthropic.Anthropic, gemini: genai.Client, gateway: RunningGateway
) -> None:
    counted = [claude.messages.count_tokens(model=MODELS[1], messages=HELLO * times).input_tokens for times in (1, 9)]
    assert 0 < counted[0] < counted[1]
    asked: Any = ["Say something."]
    assert gemini.models.count_tokens(model=MODELS[1], contents=asked).total_tokens == counted[0]


def test_what_the_server_says_of_embeddings_comes_through(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError, match="embeddings"):  # it is started without them
        client.embeddings.create(model="tiny/tiny-random", input=["Hi", "Ho"])


def test_several_choices_and_logprobs_come_through(client: openai.OpenAI) -> None:
    said = client.chat.completions.create(
        model="tiny-random", messages=HELLO, n=2, logprobs=True, top_logprobs=2, max_tokens=4
    )
    assert [choice.index for choice in said.choices] == [0, 1]
    logprobs = said.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.content
    assert len(logprobs.content[0].top_logprobs) == 2


def test_gemini_clients_get_several_candidates_and_logprobs_of_a_chat_upstream(gemini: genai.Client) -> None:
    config = types.GenerateContentConfig(candidate_count=2, response_logprobs=True, logprobs=2, max_output_tokens=4)
    said = gemini.models.generate_content(model="tiny/tiny-random", contents="Hi", config=config)
    assert len(said.candidates or ()) == 2
    assert said.candidates
    assert said.candidates[0].logprobs_result is not None


def test_an_upstreams_refusal_is_each_sdks_own(claude: anthropic.Anthropic, gemini: genai.Client) -> None:
    long = "word " * 70000
    for model in MODELS:
        with pytest.raises(anthropic.BadRequestError):
            claude.messages.create(model=model, max_tokens=9, messages=[{"role": "user", "content": long}])
        with pytest.raises(errors.ClientError) as refused:
            gemini.models.generate_content(model=model, contents=long)
        assert refused.value.code == 400
