"""What agents that run tools are to clients of every dialect, streamed and not, beyond test_agent_tools.py."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
import thinking
from conversing import CLIENTS, conversing
from google.genai import errors
from lettabots import LettaBot, Refused
from thinking import Model, Turn, by_turns, results

from gateway.testing import tools
from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.running import RunningGateway

Json = dict[str, Any]
ALL = ["test_add", "test_echo", "test_fail", "test_wait"]
CANARY = "CANARY-INSTRUCTIONS"
AGENTS: list[Json] = [
    {"id": "agent_all", "tools": ALL, "instructions": f"{CANARY} be kind."},
    {"id": "agent_keeps", "tools": ALL, "memory": "server"},
    {"id": "agent_text", "tools": ALL, "output": "text"},
    {"id": "agent_final", "tools": ALL, "output": "final"},
    {"id": "agent_short", "tools": ALL, "recursion_limit": 3},
]
STEPS = (
    Turn("One. ", [("test_add", {"a": 1, "b": 2})]),
    Turn("Two. ", [("test_echo", {"text": "Hello"}), ("test_fail", {})], usage=(20, 7)),
    Turn("Done.", usage=(30, 2)),
)
NAMES = (*CLIENTS, "lettabot")
SHOWN = {"agent_all": "One. Two. Done.", "agent_text": "One. Two. Done.", "agent_final": "Done."}
RAISED = (openai.APIError, anthropic.APIError, errors.APIError, Refused)
EACH = pytest.mark.parametrize("name", NAMES)
STREAMED = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
HI: Any = [{"role": "user", "content": "Hi"}]
WEATHER: Json = {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}


@pytest.fixture(scope="module")
def gateway(upstream: FakeUpstream, notes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    place = tmp_path_factory.mktemp("clients")
    text = thinking.config(upstream, *AGENTS, **{"provider-agents": {"keep_alive": 0.05, "tool_timeout": 20}})
    environ = thinking.environ(tools.installed(place / "site"), notes)
    with RunningGateway(place / "gateway", text, environ=environ) as running:
        yield running


@pytest.fixture(scope="module")
def clients(gateway: RunningGateway) -> Iterator[dict[str, Any]]:
    with conversing(gateway.url, gateway.key) as made, closing(LettaBot(gateway.url, gateway.key)) as lettabot:
        yield {**made, "lettabot": lettabot}


@pytest.fixture
def ask(clients: dict[str, Any]) -> Callable[[str, str, bool], Any]:
    """`ask(client, agent, streamed)`: the reply, as its SDK puts it together."""
    return lambda name, agent, streamed: clients[name].reply(agent, clients[name].began(), streamed)


def calls_shown(name: str, reply: Any) -> list[tuple[str, bool]]:
    """Calls that the gateway made, and whether each failed."""
    if name == "responses":
        return [(item.name, item.error is not None) for item in reply.output if item.type == "mcp_call"]
    if name == "messages":
        failed = {one.tool_use_id: one.is_error for one in reply.content if one.type == "mcp_tool_result"}
        return [(one.name, failed[one.id]) for one in reply.content if one.type == "mcp_tool_use"]
    if name == "lettabot":
        failed = {one["toolCallId"]: one["isError"] for one in reply if one.get("type") == "tool_result"}
        return [(one["toolName"], failed[one["toolCallId"]]) for one in reply if one.get("type") == "tool_call"]
    return []


@STREAMED
@EACH
def test_clients_hear_all_turns_and_see_calls_as_the_agent_says(
    upstream: FakeUpstream, clients: dict[str, Any], ask: Any, name: str, streamed: bool
) -> None:
    for agent, text in SHOWN.items():
        Model(upstream, by_turns(*STEPS))
        reply = ask(name, agent, streamed)
        heard = clients[name].heard(reply)
        assert heard.text.replace(" ", "") == text.replace(" ", "")
        assert (heard.finish, heard.wrote, heard.calls) == ("stop", 14, [])
        assert CANARY not in repr(reply)
        seen = agent == "agent_all" and (name in ("responses", "messages") or (name == "lettabot" and streamed))
        assert calls_shown(name, reply) == ([("add", False), ("echo", False), ("fail", True)] if seen else [])


@STREAMED
@EACH
def test_a_run_that_has_taken_all_its_steps_says_so(
    upstream: FakeUpstream, clients: dict[str, Any], ask: Any, name: str, streamed: bool
) -> None:
    asked = Model(upstream, by_turns(Turn("On. ", [("test_add", {"a": 1})]))).asked
    reply = ask(name, "agent_short", streamed)
    assert len(asked) == 2
    heard = clients[name].heard(reply)
    assert heard.text.split() == ["On.", "On."] or heard.text == "On.On."
    reasons = {
        "chat": lambda: heard.finish,
        "responses": lambda: reply.incomplete_details.reason,
        "messages": lambda: reply.stop_reason,
        "gemini": lambda: [one.candidates[0].finish_reason.name for one in reply if one.candidates[0].finish_reason],
        "lettabot": lambda: reply[-1]["stopReason"],
    }
    wanted = {
        "chat": "length",
        "responses": "recursion_limit",
        "messages": "pause_turn",
        "gemini": ["CONTINUATION"],
        "lettabot": "pause",
    }
    assert reasons[name]() == wanted[name]


@STREAMED
@EACH
def test_a_first_turn_that_fails_is_a_status_of_http(
    upstream: FakeUpstream, ask: Any, name: str, streamed: bool
) -> None:
    Model(upstream, by_turns(Turn(status=503)))
    with pytest.raises(RAISED) as caught:
        ask(name, "agent_all", streamed)
    assert getattr(caught.value, "status_code", getattr(caught.value, "code", None)) == 503


@STREAMED
@EACH
def test_a_later_turn_that_fails_is_never_taken_for_an_end(
    upstream: FakeUpstream, ask: Any, name: str, streamed: bool
) -> None:
    Model(upstream, by_turns(Turn("One.", [("test_add", {"a": 1})]), Turn(status=503)))
    with pytest.raises(RAISED, match=r"No\."):
        ask(name, "agent_all", streamed)


QUIET = {
    "/v1/responses": (b": keep-alive", {"model": "agent_all", "input": "Hi", "stream": True}),
    "/v1/messages": (b"event: ping", {"model": "agent_all", "max_tokens": 99, "messages": HI, "stream": True}),
    "/api/v1/chat": (b": still here", {"agent": "agent_all", "message": "Hi"}),
}


@pytest.mark.parametrize("path", QUIET)
def test_streams_of_every_dialect_do_not_fall_silent_while_a_tool_is_slow(
    upstream: FakeUpstream, gateway: RunningGateway, notes: Path, path: str
) -> None:
    """The tool waits for a file, which is made once a sign of life has come. Gemini's clients would fail on any."""
    sign, body = QUIET[path]
    file = path.replace("/", "-")
    Model(upstream, by_turns(Turn("On.", [("test_wait", {"file": file})]), Turn("Done.")))
    with closing(http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=30)) as connection:
        headers = {"authorization": f"Bearer {gateway.key}", "accept": "text/event-stream"}
        headers["content-type"] = "application/json"
        connection.request("POST", path, json.dumps(body), headers)
        reply = connection.getresponse()
        while not (line := reply.readline()).startswith(sign):
            assert line, "it has ended"
        (notes / file).touch()
        assert b"Done." in reply.read()


FORCED = {
    "/v1/responses": {"model": "agent_all", "input": "Hi", "tool_choice": "required"},
    "/v1/messages": {"model": "agent_all", "max_tokens": 99, "messages": HI, "tool_choice": {"type": "any"}},
    "/v1beta/models/agent_all:generateContent": {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
    },
}


@pytest.mark.parametrize("path", FORCED)
def test_a_choice_of_tools_binds_the_first_turn_alone(
    upstream: FakeUpstream, gateway: RunningGateway, calling: Any, path: str
) -> None:
    asked = Model(upstream, by_turns(Turn("", [("test_add", {"a": 1})]), Turn("Done."))).asked
    assert calling(gateway.url).post(path, FORCED[path]).status == 200
    assert [body.get("tool_choice") for body in asked] == ["required", "auto"]


FORM = {
    "type": "object",
    "properties": {"sum": {"type": "integer"}},
    "required": ["sum"],
    "additionalProperties": False,
}
FORMED = {
    "/v1/chat/completions": {
        "model": "agent_all",
        "messages": HI,
        "response_format": {"type": "json_schema", "json_schema": {"name": "sum", "schema": FORM}},
    },
    "/v1/responses": {
        "model": "agent_all",
        "input": "Hi",
        "text": {"format": {"type": "json_schema", "name": "sum", "schema": FORM}},
    },
    "/v1/messages": {
        "model": "agent_all",
        "max_tokens": 99,
        "messages": HI,
        "output_config": {"format": {"type": "json_schema", "schema": FORM}},
    },
    "/v1beta/models/agent_all:generateContent": {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": FORM},
    },
}


@pytest.mark.parametrize("path", FORMED)
def test_the_form_of_an_answer_is_asked_for_in_every_turn(
    upstream: FakeUpstream, gateway: RunningGateway, calling: Any, path: str
) -> None:
    asked = Model(upstream, by_turns(Turn("", [("test_add", {"a": 1})]), Turn('{"sum": 1}'))).asked
    assert calling(gateway.url).post(path, FORMED[path]).status == 200
    assert [body["response_format"]["json_schema"]["schema"] for body in asked] == [FORM, FORM]


def test_what_lettabots_clients_do_not_wait_for_is_fetched_later(
    upstream: FakeUpstream, gateway: RunningGateway, calling: Any
) -> None:
    Model(upstream, by_turns(*STEPS))
    caller = calling(gateway.url)
    taken = caller.post("/api/v1/chat/async", {"agent": "agent_all", "message": "Hi"})
    assert taken.status == 202
    while (came := caller.get(f"/api/v1/chat/async/{taken.json['id']}")).status == 202:
        time.sleep(0.02)
    assert (came.status, came.json["response"]) == (200, "One. Two. Done.")


@STREAMED
def test_a_conversation_keeps_what_tools_came_to(
    upstream: FakeUpstream, clients: dict[str, Any], streamed: bool
) -> None:
    sdk = clients["responses"].sdk
    Model(upstream, by_turns(*STEPS))
    kept = sdk.conversations.create().id
    first = sdk.responses.create(model="agent_all", input="Hi", conversation=kept, stream=streamed)
    assert not streamed or [event.type for event in first][-1] == "response.completed"
    asked = Model(upstream, by_turns(Turn("Again."))).asked
    assert sdk.responses.create(model="agent_all", input="And?", conversation=kept).output_text == "Again."
    assert results(asked[0]["messages"]) == ["3", "Hello", "It did not work."]
    items = list(sdk.conversations.items.list(kept, limit=50))
    assert [item.type for item in items].count("mcp_call") == 3
    assert CANARY not in repr(items)


def test_streams_of_an_open_webui_chat_are_remembered_and_its_tasks_are_not(
    upstream: FakeUpstream, clients: dict[str, Any]
) -> None:
    """It asks for titles and tags beside the answer, unstreamed, with the chat's id."""
    chat = clients["chat"].sdk.chat.completions

    def say(text: str, where: str, stream: bool) -> list[Json]:
        asked = Model(upstream, by_turns(*STEPS)).asked
        messages: Any = [{"role": "user", "content": text}]
        came = chat.create(
            model="agent_keeps", messages=messages, stream=stream, extra_headers={"X-OpenWebUI-Chat-Id": where}
        )
        if stream:
            list(came)
        return [one for one in asked[0]["messages"] if one["role"] == "user"]

    assert say("### Task: a title", "chat 1", stream=False) == [{"role": "user", "content": "### Task: a title"}]
    assert [one["content"] for one in say("one", "chat 1", stream=True)] == ["one"]
    assert [one["content"] for one in say("else", "chat 2", stream=True)] == ["else"]
    assert [one["content"] for one in say("### Task: tags", "chat 1", stream=False)] == ["### Task: tags"]
    assert [one["content"] for one in say("two", "chat 1", stream=True)] == ["one", "two"]


def test_a_stream_of_chat_leaves_the_clients_call_to_it_and_goes_on_with_both_results(
    upstream: FakeUpstream, clients: dict[str, Any]
) -> None:
    """As Open WebUI does it, which brings tools of its own along."""
    both = Turn("Both.", [("test_add", {"a": 1, "b": 1}), ("weather", {"city": "Bern"})], ids=("call_0", "call_1"))
    model = Model(upstream, by_turns(both, Turn("Done.")))
    chat = clients["chat"].sdk
    asked: Any = {"model": "agent_all", "tools": [{"type": "function", "function": WEATHER}]}
    with chat.chat.completions.stream(messages=HI, **asked) as stream:
        [choice] = stream.get_final_completion().choices
    [call] = choice.message.tool_calls
    assert (choice.finish_reason, call.function.name) == ("tool_calls", "weather")
    assert json.loads(call.function.arguments) == {"city": "Bern"}
    said = {"role": "assistant", "content": choice.message.content, "tool_calls": [call.model_dump(exclude={"index"})]}
    answer = {"role": "tool", "tool_call_id": call.id, "content": "Sunny."}
    with chat.chat.completions.stream(messages=[*HI, said, answer], **asked) as stream:
        assert stream.get_final_completion().choices[0].message.content == "Done."
    assert results(model.asked[-1]["messages"]) == ["2", "Sunny."]


def test_on_a_websocket_a_run_shows_its_calls_and_the_next_turn_knows_them(
    upstream: FakeUpstream, clients: dict[str, Any]
) -> None:
    Model(upstream, by_turns(*STEPS))

    def turn(connection: Any, **asked: Any) -> tuple[Any, list[str]]:
        connection.response.create(model="agent_all", **asked)
        kinds: list[str] = []
        for event in connection:
            kinds.append(event.type)
            if event.type in ("response.completed", "response.failed", "error"):
                return event, kinds
        raise AssertionError(kinds)

    with clients["responses"].sdk.responses.connect() as connection:
        first, kinds = turn(connection, input="Hi")
        assert kinds.count("response.mcp_call.completed") == 2
        assert kinds.count("response.mcp_call.failed") == 1
        model = Model(upstream, by_turns(Turn("Again.")))
        second, _ = turn(connection, input="And?", previous_response_id=first.response.id)
    assert second.response.output_text == "Again."
    assert results(model.asked[0]["messages"]) == ["3", "Hello", "It did not work."]
