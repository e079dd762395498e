"""Agents that run their tools in the gateway, through the official SDKs of all four dialects, streamed and not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
import thinking
from clients import opened
from google import genai
from google.genai import types
from thinking import Model, Turn, by_turns, results

from gateway.testing import tools
from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.running import RunningGateway

Json = dict[str, Any]
HI = [{"role": "user", "content": "Hi"}]
ALL = ["test_add", "test_echo", "test_whoami", "test_fail", "test_raise", "test_note", "test_wait", "test_picture"]
CLIENTS = {"type": "object", "properties": {"city": {"type": "string"}}}
AGENTS: list[Json] = [
    {"id": "agent_tools", "instructions": "Be kind, and always be brief.", "tools": ALL},
    {"id": "agent_text", "tools": ALL, "output": "text"},
    {"id": "agent_final", "tools": ALL, "output": "final"},
    {"id": "agent_short", "tools": ALL, "recursion_limit": 3},
    {"id": "agent_gone", "tools": ["test_add", tools.GONE]},
    {"id": "agent_plain", "instructions": "Be plain."},
    {"id": "agent_others", "tools": ["made_up"]},
]
TWO_STEPS = (
    Turn("One. ", [("test_add", {"a": 1, "b": 2})], thought="Hm."),
    Turn("Two. ", [("test_add", {"a": 3, "b": 4}), ("test_echo", {"text": "Grüße"})], usage=(20, 7)),
    Turn("Done.", usage=(30, 2)),
)


@pytest.fixture(scope="module")
def gateway(upstream: FakeUpstream, notes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    place = tmp_path_factory.mktemp("tools")
    text = thinking.config(upstream, *AGENTS, **{"provider-agents": {"keep_alive": 0.05, "tool_timeout": 20}})
    environ = thinking.environ(tools.installed(place / "site"), notes)
    with RunningGateway(place / "gateway", text, environ=environ) as running:
        yield running


@pytest.fixture
def model(upstream: FakeUpstream) -> Callable[..., Model]:
    """`model(*turns)`, or `model(mind)`: what answers from now on."""

    def make(*turns: Any) -> Model:
        return Model(upstream, turns[0] if callable(turns[0]) else by_turns(*turns))

    return make


@pytest.fixture
def chat(gateway: RunningGateway) -> openai.OpenAI:
    return opened(openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.key, max_retries=0))


@pytest.fixture
def claude(gateway: RunningGateway) -> anthropic.Anthropic:
    return opened(anthropic.Anthropic(base_url=gateway.url, api_key=gateway.key, max_retries=0))


@pytest.fixture
def gemini(gateway: RunningGateway) -> genai.Client:
    return opened(genai.Client(api_key=gateway.key, http_options={"base_url": gateway.url}))


def test_chat_hides_what_the_gateway_runs(model: Any, chat: openai.OpenAI) -> None:
    asked = model(*TWO_STEPS).asked
    said = chat.chat.completions.create(model="agent_tools", messages=HI)
    choice = said.choices[0]
    assert (choice.message.content, choice.message.tool_calls, choice.finish_reason) == (
        "One. Two. Done.",
        None,
        "stop",
    )
    assert said.usage is not None
    assert (said.usage.prompt_tokens, said.usage.completion_tokens) == (60, 14)
    assert results(asked[2]["messages"]) == ["3", "7", "Grüße"]
    assert [tool["function"]["name"] for tool in asked[0]["tools"]] == ALL
    system = asked[0]["messages"][0]["content"]
    assert system == f"Be kind, and always be brief.\n\n{tools.INSTRUCTIONS}"


def test_chat_streams_the_same(model: Any, chat: openai.OpenAI) -> None:
    model(*TWO_STEPS)
    chunks = list(
        chat.chat.completions.create(
            model="agent_tools", messages=HI, stream=True, stream_options={"include_usage": True}
        )
    )
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == "One.Two.Done."
    assert not any(delta.tool_calls for delta in deltas)
    assert chunks[-1].usage is not None
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (60, 14)
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_chat_shows_what_was_run_to_those_who_ask(model: Any, chat: openai.OpenAI, streamed: bool) -> None:
    model(*TWO_STEPS)
    asked: Any = {"model": "agent_tools", "messages": HI, "extra_headers": {"X-Gateway-Tools": "show"}}
    if streamed:
        found = [
            chunk.choices[0].delta for chunk in chat.chat.completions.create(stream=True, **asked) if chunk.choices
        ]
    else:
        found = [chat.chat.completions.create(**asked).choices[0].message]
    extras = [part.model_extra or {} for part in found]
    calls = [call for extra in extras for call in extra.get("gateway_tool_calls", ())]
    came = [one for extra in extras for one in extra.get("gateway_tool_results", ())]
    assert [(call["server_label"], call["name"], json.loads(call["arguments"])) for call in calls] == [
        ("test", "add", {"a": 1, "b": 2}),
        ("test", "add", {"a": 3, "b": 4}),
        ("test", "echo", {"text": "Grüße"}),
    ]
    by_call = {one["id"]: one["content"] for one in came}
    assert [by_call[call["id"]] for call in calls] == ["3", "7", "Grüße"]
    assert len({call["id"] for call in calls}) == 3, "the upstream numbers its calls anew in each reply"


def test_responses_show_calls_as_items_of_an_mcp_server(model: Any, chat: openai.OpenAI) -> None:
    model(*TWO_STEPS)
    said = chat.responses.create(model="agent_tools", input="Hi")
    kinds = [item.type for item in said.output]
    assert kinds == ["reasoning", "message", "mcp_call", "message", "mcp_call", "mcp_call", "message"]
    calls: Any = [item for item in said.output if item.type == "mcp_call"]
    assert [(call.server_label, call.name, call.output, call.status) for call in calls] == [
        ("test", "add", "3", "completed"),
        ("test", "add", "7", "completed"),
        ("test", "echo", "Grüße", "completed"),
    ]
    assert (said.output_text, said.status) == ("One. Two. Done.", "completed")
    assert said.usage is not None
    assert (said.usage.input_tokens, said.usage.output_tokens) == (60, 14)


def test_responses_stream_the_events_of_such_items(model: Any, chat: openai.OpenAI) -> None:
    model(Turn("", [("test_add", {"a": 1, "b": 2}), ("test_fail", {})]), Turn("Done."))
    events: Any = list(chat.responses.create(model="agent_tools", input="Hi", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    ids = [event.item.id for event in events if event.type == "response.output_item.added"][:2]
    stories = {
        name: [
            event.type.removeprefix("response.")
            for event in events
            if getattr(event, "item_id", None) == name or getattr(getattr(event, "item", None), "id", None) == name
        ]
        for name in ids
    }
    begun = ["output_item.added", "mcp_call.in_progress", "mcp_call_arguments.delta"]
    for name, end in zip(ids, ("completed", "failed"), strict=True):
        story = [kind for number, kind in enumerate(stories[name]) if kind not in stories[name][:number]]
        assert story == [*begun, "mcp_call_arguments.done", f"mcp_call.{end}", "output_item.done"]
    done = {event.item.id: event.item for event in events if event.type == "response.output_item.done"}
    assert (done[ids[0]].arguments, done[ids[0]].output) == ('{"a": 1, "b": 2}', "3")
    assert (done[ids[1]].output, done[ids[1]].error.content[0]["text"]) == (None, "It did not work.")
    whole = next(event for event in events if event.type == "response.completed").response
    assert [item.type for item in whole.output] == ["mcp_call", "mcp_call", "message"]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("beta", [False, True], ids=["plain", "beta"])
def test_messages_show_calls_as_blocks_of_an_mcp_server(
    model: Any, claude: anthropic.Anthropic, streamed: bool, beta: bool
) -> None:
    model(*TWO_STEPS)
    messages: Any = claude.beta.messages if beta else claude.messages
    asked: Any = {"model": "agent_tools", "max_tokens": 100, "messages": HI}
    if streamed:
        with messages.stream(**asked) as stream:
            said = stream.get_final_message()
    else:
        said = messages.create(**asked)
    kinds = [block.type for block in said.content]
    ran = ["mcp_tool_use", "mcp_tool_result"]
    both = ["mcp_tool_use", "mcp_tool_use", "mcp_tool_result", "mcp_tool_result"]
    assert kinds == ["thinking", "text", *ran, "text", *both, "text"]
    uses = [block for block in said.content if block.type == "mcp_tool_use"]
    assert [(use.server_name, use.name, use.input) for use in uses] == [
        ("test", "add", {"a": 1, "b": 2}),
        ("test", "add", {"a": 3, "b": 4}),
        ("test", "echo", {"text": "Grüße"}),
    ]
    assert said.stop_reason == "end_turn"
    assert (said.usage.input_tokens, said.usage.output_tokens) == (60, 14)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_gemini_is_told_texts_alone(model: Any, gemini: genai.Client, streamed: bool) -> None:
    model(*TWO_STEPS)
    if streamed:
        chunks = list(gemini.models.generate_content_stream(model="agent_tools", contents="Hi"))
    else:
        chunks = [gemini.models.generate_content(model="agent_tools", contents="Hi")]
    parts = [
        part for chunk in chunks for one in chunk.candidates or () for part in (one.content and one.content.parts) or ()
    ]
    assert not any(part.function_call or part.function_response for part in parts)
    said = "".join(part.text or "" for part in parts if not part.thought)
    assert said == ("One.Two.Done." if streamed else "One. Two. Done.")
    usage = chunks[-1].usage_metadata
    assert usage is not None
    assert (usage.prompt_token_count, usage.candidates_token_count) == (60, 14)


def test_output_text_and_final_keep_tools_to_themselves(model: Any, chat: openai.OpenAI) -> None:
    for agent, texts in (("agent_text", ["One. ", "Two. ", "Done."]), ("agent_final", ["Done."])):
        model(*TWO_STEPS)
        said: Any = chat.responses.create(model=agent, input="Hi")
        assert [part.text for item in said.output if item.type == "message" for part in item.content] == texts
        assert not [item for item in said.output if item.type == "mcp_call"]
        streamed: Any = list(chat.responses.create(model=agent, input="Hi", stream=True))
        assert "".join(
            one.delta for one in streamed if one.type.endswith("text.delta") and "reason" not in one.type
        ) == ("".join(texts).replace(" ", ""))


def test_what_goes_wrong_with_tools_is_told_to_the_model(model: Any, chat: openai.OpenAI) -> None:
    calls = [("test_fail", {}), ("test_raise", {}), ("nothing", {}), ("test_add", '{"a": 1')]
    asked = model(Turn("", calls), Turn("", [("test_add", {"a": 1})]), Turn("Done.")).asked
    said = chat.chat.completions.create(model="agent_tools", messages=HI)
    assert said.choices[0].message.content == "Done."
    told = results(asked[1]["messages"])
    assert told[:3] == ["It did not work.", "The tool failed.", "There is no tool 'nothing'."]
    assert told[3].startswith("The arguments are no JSON object")
    assert "secret" not in json.dumps(asked)


def test_arguments_that_are_no_json_are_told_once(model: Any, chat: openai.OpenAI) -> None:
    asked = model(Turn("", [("test_add", "{")])).asked
    said = chat.responses.create(model="agent_tools", input="Hi")
    assert (said.status, said.incomplete_details and said.incomplete_details.reason) == ("incomplete", "bad_arguments")
    assert len(asked) == 2


def test_the_recursion_limit_ends_a_run_in_words_of_each_dialect(
    model: Any, chat: openai.OpenAI, claude: anthropic.Anthropic, gemini: genai.Client
) -> None:
    asked = model(Turn("On. ", [("test_add", {"a": 1})])).asked
    said: Any = chat.responses.create(model="agent_short", input="Hi")
    assert len(asked) == 2, "a turn, its tools, and a turn"
    assert (said.status, said.incomplete_details.reason) == ("incomplete", "recursion_limit")
    assert [item.status for item in said.output if item.type == "mcp_call"] == ["completed", "failed"]
    choice = chat.chat.completions.create(model="agent_short", messages=HI).choices[0]
    assert (choice.finish_reason, (choice.model_extra or {})["native_finish_reason"]) == ("length", "recursion_limit")
    message = claude.messages.create(model="agent_short", max_tokens=9, messages=HI)  # type: ignore[arg-type]
    assert message.stop_reason == "pause_turn"
    ended = gemini.models.generate_content(model="agent_short", contents="Hi").candidates
    assert ended is not None
    assert str(ended[0].finish_reason).endswith("CONTINUATION")


def test_a_conversation_with_calls_comes_back_as_it_was(
    model: Any, chat: openai.OpenAI, claude: anthropic.Anthropic
) -> None:
    """What clients were shown, they send back; the model sees its own names and the order of its turns."""
    asked = model(*TWO_STEPS).asked
    said: Any = chat.responses.create(model="agent_tools", input="Hi")
    items: Any = [{"role": "user", "content": "Hi"}, *[item.model_dump(exclude_none=True) for item in said.output]]
    chat.responses.create(model="agent_tools", input=[*items, {"role": "user", "content": "And?"}])
    answer = claude.messages.create(model="agent_tools", max_tokens=9, messages=HI)  # type: ignore[arg-type]
    content: Any = [block.model_dump(exclude_none=True) for block in answer.content]
    history: Any = [*HI, {"role": "assistant", "content": content}, {"role": "user", "content": "And?"}]
    claude.messages.create(model="agent_tools", max_tokens=9, messages=history)
    for body in (asked[3], asked[9]):
        turns = [one for one in body["messages"] if one["role"] != "system"]
        called = [[call["function"]["name"] for call in one["tool_calls"]] for one in turns if one.get("tool_calls")]
        assert [name for names in called for name in names] == ["test_add", "test_add", "test_echo"]
        assert results(turns) == ["3", "7", "Grüße"]
        assert turns[-1] == {"role": "user", "content": "And?"}
        ids = [call["id"] for one in turns for call in one.get("tool_calls") or ()]
        assert ids == [one["tool_call_id"] for one in turns if one["role"] == "tool"]


def test_an_upstream_that_fails_in_the_first_turn_is_an_error_of_http(model: Any, chat: openai.OpenAI) -> None:
    model(Turn(status=503))
    for streamed in (False, True):
        with pytest.raises(openai.InternalServerError) as caught:
            chat.chat.completions.create(model="agent_tools", messages=HI, stream=streamed)
        assert caught.value.status_code == 503


def test_one_that_fails_later_is_told_in_the_stream(model: Any, chat: openai.OpenAI) -> None:
    model(Turn("One.", [("test_add", {"a": 1})]), Turn(status=503))
    with pytest.raises(openai.APIError, match="No"):
        list(chat.chat.completions.create(model="agent_tools", messages=HI, stream=True))


def test_missing_tools_are_named_and_the_run_goes_on(model: Any, chat: openai.OpenAI) -> None:
    model(Turn("Fine."))
    came = chat.chat.completions.with_raw_response.create(model="agent_gone", messages=HI)
    assert came.headers["x-gateway-loss"] == f"agent.tools[{tools.GONE}]"
    assert came.parse().choices[0].message.content == "Fine."


def test_agents_without_tools_that_run_here_pass_through(model: Any, chat: openai.OpenAI) -> None:
    asked = model(Turn("Plain.")).asked
    for agent in ("agent_plain", "agent_others"):
        came = chat.chat.completions.with_raw_response.create(model=agent, messages=HI)
        assert came.headers["x-gateway-route"] == "up/m"
        assert came.parse().id == "chatcmpl-up", "the upstream's own bytes"
    assert not any(body.get("tools") for body in asked)


def test_several_choices_and_replies_that_were_not_kept_are_refused(model: Any, chat: openai.OpenAI) -> None:
    model(Turn("Fine."))
    with pytest.raises(openai.UnprocessableEntityError, match="one choice"):
        chat.chat.completions.create(model="agent_tools", messages=HI, n=2)
    with pytest.raises(openai.BadRequestError, match="not kept"):
        chat.responses.create(model="agent_tools", input="Hi", previous_response_id="resp_1")


def test_tools_know_for_whom_they_are_called(model: Any, chat: openai.OpenAI) -> None:
    asked = model(Turn("", [("test_whoami", {})]), Turn("Done.")).asked
    came = chat.chat.completions.with_raw_response.create(model="agent_tools", messages=HI)
    told = json.loads(results(asked[1]["messages"])[0])
    assert told["agent"] == "agent_tools"
    assert told["call"].startswith(came.headers["x-gateway-exchange"])


def test_a_tools_choice_binds_the_first_turn_alone(model: Any, chat: openai.OpenAI) -> None:
    asked = model(Turn("", [("test_add", {"a": 1})]), Turn("Done.")).asked
    chat.chat.completions.create(model="agent_tools", messages=HI, tool_choice="required")
    assert [body.get("tool_choice") for body in asked] == ["required", "auto"]


def test_a_slow_tool_does_not_let_a_stream_fall_silent(
    model: Any, gateway: RunningGateway, notes: Path, calling: Any
) -> None:
    """`: keep-alive` comes while the tool waits for a file that is made once one has come."""
    import http.client

    model(Turn("On.", [("test_wait", {"file": "there"})]), Turn("Done."))
    connection = http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=30)
    body = json.dumps({"model": "agent_tools", "messages": HI, "stream": True})
    connection.request("POST", "/v1/chat/completions", body, {"authorization": f"Bearer {gateway.key}"})
    reply = connection.getresponse()
    lines: list[bytes] = []
    while not lines or not lines[-1].startswith(b": keep-alive"):
        lines.append(reply.readline())
    (notes / "there").touch()
    rest = reply.read()
    connection.close()
    assert b"Done." in rest
    assert rest.endswith(b"data: [DONE]\n\n")


def test_pictures_that_tools_make_reach_the_model(model: Any, chat: openai.OpenAI) -> None:
    asked = model(Turn("", [("test_picture", {})]), Turn("Done.")).asked
    chat.chat.completions.create(model="agent_tools", messages=HI)
    assert "image_url" in json.dumps(asked[1]["messages"])


def test_tools_of_clients_come_back_to_them(model: Any, gemini: genai.Client) -> None:
    model(Turn("", [("weather", {"city": "Bern"})]))
    declared = types.FunctionDeclaration(name="weather", parameters_json_schema=CLIENTS)
    wanted = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[declared])])
    said = gemini.models.generate_content(model="agent_tools", contents="Hi", config=wanted)
    assert said.function_calls is not None
    assert [(call.name, call.args) for call in said.function_calls] == [("weather", {"city": "Bern"})]
