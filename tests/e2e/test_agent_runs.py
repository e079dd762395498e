"""Runs of agents: their cost and bounds, turns that a client answers, and what is left of those that end."""

from __future__ import annotations

import asyncio
import json
import time
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
from recorded import records, run_of
from thinking import Model, Turn, by_turns, results, rounds

from gateway.testing import tools
from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.running import RunningGateway

Json = dict[str, Any]
HI: Any = [{"role": "user", "content": "Hi"}]
WEATHER: Json = {
    "name": "weather",
    "description": "Tells the weather.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
OURS = ["test_add", "test_echo", "test_note", "test_wait", "test_hang", "test_die"]
AGENTS: list[Json] = [{"id": "agent_tools", "tools": OURS}]
BOUNDED = {
    "calls": ({"calls": 2}, "call_limit"),
    "tokens": ({"tokens": 40}, "token_limit"),
    "usd": ({"usd": 0.00004}, "cost_limit"),
    "seconds": ({"seconds": 0.5}, "time_limit"),
}
PRICES = {"tokenConfig": {"m": {"prompt": 1.0, "completion": 2.0, "context": 100_000}}}


@pytest.fixture(scope="module")
def environ(notes: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return thinking.environ(tools.installed(tmp_path_factory.mktemp("tools") / "site"), notes)


@pytest.fixture(scope="module")
def serving(
    upstream: FakeUpstream, environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., RunningGateway]:
    """`serving(place=None, **settings)`: a gateway, not started yet; with a place, on the store that is there."""

    def make(place: Path | None = None, workers: int = 1, **settings: Any) -> RunningGateway:
        text = thinking.config(upstream, *AGENTS, **settings)
        arguments = ("--workers", str(workers)) if workers > 1 else ()
        return RunningGateway(place or tmp_path_factory.mktemp("gateway"), text, *arguments, environ=environ)

    return make


@pytest.fixture(scope="module")
def gateway(serving: Callable[..., RunningGateway]) -> Iterator[RunningGateway]:
    with serving(workers=2) as running:
        yield running


def client(gateway: RunningGateway) -> openai.OpenAI:
    return opened(openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.key, max_retries=0))


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_each_turn_is_in_the_ledger_once_and_the_run_adds_nothing(
    upstream: FakeUpstream, gateway: RunningGateway, calling: Any, streamed: bool
) -> None:
    counts = [(11, 3), (22, 5), (33, 7)]
    steps = [Turn("", [("test_add", {"a": 1})], usage=one) for one in counts[:2]]
    Model(upstream, by_turns(*steps, Turn("Done.", usage=counts[2])))
    came = client(gateway).chat.completions.with_raw_response.create(
        model="agent_tools",
        messages=HI,
        stream=streamed,  # type: ignore[call-overload]
    )
    if streamed:
        list(came.parse())
    run, turns = records(calling(gateway.url), came.headers["x-gateway-exchange"], 3)
    assert [(one["usage"]["input"], one["usage"]["output"]) for one in turns] == counts
    assert [(one["endpoint"], one["model_served"], one["agent"], one["outcome"]) for one in turns] == [
        ("up", "m", "agent_tools", "complete")
    ] * 3
    assert run.get("usage", {}).get("input") is None, "its turns' usage would count twice"
    assert (run["endpoint"], run["outcome"], len(run["attempts"])) == ("agents", "complete", 1)


def test_a_balance_pays_for_each_turn_and_for_nothing_else(
    upstream: FakeUpstream, serving: Callable[..., RunningGateway], calling: Any, tmp_path: Path
) -> None:
    """USD 1 and 2 per million tokens; a credit is a millionth of a dollar."""
    top = {"balance": {"enabled": True, "startBalance": 1_000_000}}
    endpoint: Json = {"name": "up", "apiKey": "k", "baseURL": f"{upstream.url}/v1", "models": {"default": ["m"]}}
    counts = [(1000, 30), (2000, 50), (3000, 70)]
    steps = [Turn("", [("test_add", {"a": 1})], usage=one) for one in counts[:2]]
    Model(upstream, by_turns(*steps, Turn("Done.", usage=counts[2])))
    settings: Json = {"top": top, "endpoints": {"custom": [endpoint | PRICES]}}
    with serving(tmp_path / "gateway", **settings) as running:
        client(running).chat.completions.create(model="agent_tools", messages=HI)
    with serving(tmp_path / "gateway", **settings) as running:
        left = calling(running.url).get("/api/balance").json["tokenCredits"]
    assert left == 1_000_000 - sum(read + 2 * wrote for read, wrote in counts)


def test_a_quote_is_of_one_turn_and_says_that_there_may_be_more(
    upstream: FakeUpstream, serving: Callable[..., RunningGateway], calling: Any
) -> None:
    endpoint: Json = {"name": "up", "apiKey": "k", "baseURL": f"{upstream.url}/v1", "models": {"default": ["m"]}}
    with serving(top={"balance": {"enabled": True}}, endpoints={"custom": [endpoint | PRICES]}) as running:
        asked = {"path": "/v1/chat/completions", "body": {"model": "agent_tools", "messages": HI, "max_tokens": 1000}}
        quote = calling(running.url).post("/api/quote", asked).json
    assert [(one["endpoint"], one["model"], one["tokens"]["output"]) for one in quote["targets"]] == [("up", "m", 1000)]
    assert (quote["bounded"], quote["credits"] >= 2000) == (False, True)


@pytest.mark.parametrize("bound", BOUNDED)
def test_a_bound_ends_a_run_in_a_defined_way(
    upstream: FakeUpstream, serving: Callable[..., RunningGateway], calling: Any, bound: str
) -> None:
    settings, why = BOUNDED[bound]
    top = {"balance": {"enabled": True, "startBalance": 1_000_000}}
    endpoints = {
        "custom": [{"name": "up", "apiKey": "k", "baseURL": f"{upstream.url}/v1", "models": {"default": ["m"]}}]
    }
    endpoints["custom"][0] |= PRICES  # type: ignore[arg-type]
    slow = bound == "seconds"
    Model(upstream, by_turns(Turn("On.", [("test_hang", {}) if slow else ("test_add", {"a": 1})])))
    with serving(top=top, endpoints=endpoints, **{"provider-agents": settings}) as running:
        said = client(running).responses.create(model="agent_tools", input="Hi")
    assert said.incomplete_details is not None
    assert (said.status, str(said.incomplete_details.reason)) == ("incomplete", why)


def test_a_turn_that_is_late_ends_the_run_where_it_stands(
    upstream: FakeUpstream, serving: Callable[..., RunningGateway]
) -> None:
    calls = [("test_add", {"a": 1}), ("test_echo", {"text": "x"})]
    Model(upstream, by_turns(Turn("One.", calls), Turn("Two.", calls, hangs=True)))
    with serving(**{"provider-agents": {"seconds": 1.5}}) as running:
        events: Any = list(client(running).responses.create(model="agent_tools", input="Hi", stream=True))
    whole = events[-1].response
    assert (events[-1].type, whole.incomplete_details.reason) == ("response.incomplete", "time_limit")
    assert [item.type for item in whole.output[:4]] == ["message", "mcp_call", "mcp_call", "message"]
    assert [item.status for item in whole.output if item.type == "mcp_call"][:2] == ["completed", "completed"]
    assert "completed" not in [item.status for item in whole.output[4:]]


def test_a_turn_may_write_no_more_than_the_bound_of_tokens_leaves(
    upstream: FakeUpstream, serving: Callable[..., RunningGateway]
) -> None:
    """Where the client says how much, or it is known of the model; else nobody knows what its upstream would take."""
    steps = [Turn("On.", [("test_add", {"a": 1})], usage=(50, 5)), Turn("Half", reason="length", usage=(20, 25))]
    model = Model(upstream, by_turns(*steps))
    with serving(**{"provider-agents": {"tokens": 100}}) as running:
        said = client(running).responses.create(model="agent_tools", input="Hi", max_output_tokens=80)
        client(running).responses.create(model="agent_tools", input="Hi")
    assert [body.get("max_completion_tokens", body.get("max_tokens")) for body in model.asked] == [80, 45, None, None]
    assert said.incomplete_details is not None
    assert (said.status, str(said.incomplete_details.reason)) == ("incomplete", "token_limit")


def test_a_client_may_bound_the_calls(upstream: FakeUpstream, gateway: RunningGateway) -> None:
    model = Model(upstream, by_turns(Turn("", [("test_add", {"a": 1})])))
    said = client(gateway).responses.create(model="agent_tools", input="Hi", max_tool_calls=2)
    assert said.incomplete_details is not None
    assert (str(said.incomplete_details.reason), len(model.asked)) == ("call_limit", 3)


def test_approval_rules_keep_calls_from_being_made(
    upstream: FakeUpstream, serving: Callable[..., RunningGateway], notes: Path
) -> None:
    rules = {"enabled": True, "allow": ["test_*"], "deny": ["test_note"], "reason": "Ask the operator about {tool}."}
    model = Model(
        upstream, by_turns(Turn("", [("test_note", {"text": "denied"}), ("test_echo", {"text": "x"})]), Turn("Done."))
    )
    with serving(endpoints={"agents": {"toolApproval": rules}}) as running:
        client(running).chat.completions.create(model="agent_tools", messages=HI)
    assert results(model.asked[1]["messages"]) == [
        "The call was not made: Ask the operator about test_note.",
        "x",
    ]
    assert not (notes / "notes").exists() or "denied" not in (notes / "notes").read_text()


def test_a_clients_answer_finds_what_the_gateway_did_before(upstream: FakeUpstream, gateway: RunningGateway) -> None:
    """A hidden turn, then one with calls of both; either worker may take the answer."""
    first = Turn("One.", [("test_add", {"a": 1, "b": 1})])
    both = Turn("Two.", [("weather", {"city": "Bern"}), ("test_note", {"text": "mixed"})], ids=("call_0", "call_1"))
    model = Model(upstream, by_turns(first, both, Turn("Done.")))
    chat = client(gateway)
    declared: Any = [{"type": "function", "function": WEATHER}]
    for _ in range(4):
        model.asked.clear()
        said = chat.chat.completions.create(model="agent_tools", messages=HI, tools=declared)
        message = said.choices[0].message
        assert (said.choices[0].finish_reason, message.content) == ("tool_calls", "One.Two.")
        [call] = message.tool_calls or []
        assert call.type == "function"
        assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Bern"})
        answer = {"role": "tool", "tool_call_id": call.id, "content": "Sunny."}
        history: Any = [*HI, message.model_dump(exclude_none=True), answer]
        done = client(gateway).chat.completions.create(model="agent_tools", messages=history, tools=declared)
        assert done.choices[0].message.content == "Done."
        turns = model.asked[-1]["messages"][1:]
        assert [one["role"] for one in turns] == ["user", "assistant", "tool", "assistant", "tool", "tool"]
        assert sorted(results(turns)) == ["2", "Noted.", "Sunny."]
        assert [call["function"]["name"] for call in turns[3]["tool_calls"]] == ["weather", "test_note"]
        ids = [call["id"] for one in turns for call in one.get("tool_calls") or ()]
        assert sorted(ids) == sorted(one["tool_call_id"] for one in turns if one["role"] == "tool")


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_the_same_in_responses_and_messages_which_send_back_what_they_were_shown(
    upstream: FakeUpstream, gateway: RunningGateway, streamed: bool
) -> None:
    both = Turn("Two.", [("weather", {"city": "Bern"}), ("test_add", {"a": 1, "b": 1})], ids=("call_0", "call_1"))
    model = Model(upstream, by_turns(both, Turn("Done.")))
    chat = client(gateway)
    asked: Any = {"model": "agent_tools", "tools": [{"type": "function", "strict": False, **WEATHER}]}
    if streamed:
        with chat.responses.stream(input="Hi", **asked) as events:
            said: Any = events.get_final_response()
    else:
        said = chat.responses.create(input="Hi", **asked)
    assert [item.type for item in said.output] == ["message", "mcp_call", "function_call"]
    sent = [item.model_dump(exclude_none=True) for item in said.output]
    result = {"type": "function_call_output", "call_id": said.output[2].call_id, "output": "Sunny."}
    chat.responses.create(input=[*HI, *sent, result], **asked)
    claude = opened(anthropic.Anthropic(base_url=gateway.url, api_key=gateway.key))
    wanted: Any = {"model": "agent_tools", "max_tokens": 99}
    wanted["tools"] = [{"name": "weather", "input_schema": WEATHER["parameters"]}]
    if streamed:
        with claude.messages.stream(messages=HI, **wanted) as stream:
            message: Any = stream.get_final_message()
    else:
        message = claude.messages.create(messages=HI, **wanted)
    assert [block.type for block in message.content] == ["text", "mcp_tool_use", "mcp_tool_result", "tool_use"]
    assert message.stop_reason == "tool_use"
    content = [block.model_dump(exclude_none=True) for block in message.content]
    answer = {"type": "tool_result", "tool_use_id": message.content[3].id, "content": "Sunny."}
    history: Any = [*HI, {"role": "assistant", "content": content}, {"role": "user", "content": [answer]}]
    claude.messages.create(messages=history, **wanted)
    for body in (model.asked[1], model.asked[3]):
        turns = [one for one in body["messages"] if one["role"] != "system"]
        assert [one["role"] for one in turns] == ["user", "assistant", "tool", "tool"]
        assert sorted(results(turns)) == ["2", "Sunny."]
        assert [call["function"]["name"] for call in turns[1]["tool_calls"]] == ["weather", "test_add"]


def test_a_restart_between_a_turn_and_its_answer_loses_nothing(
    upstream: FakeUpstream, serving: Callable[..., RunningGateway], tmp_path: Path
) -> None:
    both = Turn("", [("test_add", {"a": 1, "b": 1}), ("weather", {"city": "Bern"})], ids=("call_0", "call_1"))
    model = Model(upstream, by_turns(both, Turn("Done.")))
    declared: Any = [{"type": "function", "function": WEATHER}]
    with serving(tmp_path / "gateway") as running:
        said = client(running).chat.completions.create(model="agent_tools", messages=HI, tools=declared)
    message = said.choices[0].message
    [call] = message.tool_calls or []
    answer: Any = {"role": "tool", "tool_call_id": call.id, "content": "Sunny."}
    history: Any = [*HI, message.model_dump(exclude_none=True), answer]
    with serving(tmp_path / "gateway") as running:
        client(running).chat.completions.create(model="agent_tools", messages=history, tools=declared)
    assert results(model.asked[-1]["messages"]) == ["2", "Sunny."]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_gemini_answers_a_turn_of_both_like_any_other(
    upstream: FakeUpstream, gateway: RunningGateway, streamed: bool
) -> None:
    both = Turn("", [("test_add", {"a": 1, "b": 1}), ("weather", {"city": "Bern"})], ids=("call_0", "call_1"))
    model = Model(upstream, by_turns(both, Turn("Done.")))
    gemini = opened(genai.Client(api_key=gateway.key, http_options={"base_url": gateway.url}))
    declared = types.FunctionDeclaration(name="weather", parameters_json_schema=WEATHER["parameters"])
    wanted = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[declared])])
    asked: Any = {"model": "agent_tools", "config": wanted}
    user = types.Content(role="user", parts=[types.Part(text="Hi")])
    if streamed:
        chunks = list(gemini.models.generate_content_stream(contents=[user], **asked))
    else:
        chunks = [gemini.models.generate_content(contents=[user], **asked)]
    contents = [one.content for chunk in chunks for one in chunk.candidates or () if one.content is not None]
    calls = [part.function_call for content in contents for part in content.parts or () if part.function_call]
    assert [call.name for call in calls] == ["weather"]
    answer = types.FunctionResponse(id=calls[0].id, name="weather", response={"output": "Sunny."})
    told = types.Content(role="user", parts=[types.Part(function_response=answer)])
    history: Any = [user, *contents, told]
    gemini.models.generate_content(contents=history, **asked)
    turns = model.asked[-1]["messages"][1:]
    assert [one["role"] for one in turns] == ["user", "assistant", "tool", "tool"]
    assert [call["function"]["name"] for call in turns[1]["tool_calls"]] == ["test_add", "weather"]


def test_a_turn_of_the_clients_alone_is_left_as_it_is(upstream: FakeUpstream, gateway: RunningGateway) -> None:
    Model(upstream, by_turns(Turn("", [("weather", {"city": "Bern"})], ids=("call_own",))))
    declared: Any = [{"type": "function", "function": WEATHER}]
    said = client(gateway).chat.completions.create(model="agent_tools", messages=HI, tools=declared)
    assert [call.id for call in said.choices[0].message.tool_calls or ()] == ["call_own"]


def test_an_answer_to_a_turn_that_expired_is_a_conflict_and_later_talk_is_none(
    upstream: FakeUpstream, serving: Callable[..., RunningGateway]
) -> None:
    both = Turn("", [("weather", {"city": "Bern"}), ("test_add", {"a": 1})], ids=("call_0", "call_1"))
    Model(upstream, by_turns(both, Turn("Done.")))
    declared: Any = [{"type": "function", "function": WEATHER}]
    with serving(**{"provider-agents": {"kept": 0.001}}) as running:
        chat = client(running)
        message = chat.chat.completions.create(model="agent_tools", messages=HI, tools=declared).choices[0].message
        [call] = message.tool_calls or []
        answer: Any = {"role": "tool", "tool_call_id": call.id, "content": "Sunny."}
        said: Any = message.model_dump(exclude_none=True)
        with pytest.raises(openai.ConflictError, match="up to its last user message") as caught:
            chat.chat.completions.create(model="agent_tools", messages=[*HI, said, answer], tools=declared)
        assert caught.value.code == "turn_expired"
        later: Any = [*HI, said, answer, {"role": "assistant", "content": "Sunny."}, *HI]
        chat.chat.completions.create(model="agent_tools", messages=later, tools=declared)


def test_a_run_that_changed_something_tells_its_owner_what_it_did(
    upstream: FakeUpstream, gateway: RunningGateway, calling: Any
) -> None:
    Model(upstream, by_turns(Turn("", [("test_note", {"text": "told"}), ("test_add", {"a": 1})]), Turn("Done.")))
    came = client(gateway).chat.completions.with_raw_response.create(
        model="agent_tools", messages=HI, extra_headers={"X-Request-Id": "my-request-1"}
    )
    name, caller = came.headers["x-gateway-exchange"], calling(gateway.url)
    run = run_of(caller, name, "completed")
    assert [(call["tool"], call["state"]) for call in run["calls"]] == [("test_note", "answered")]
    listed = caller.get("/api/runs?request_id=my-request-1").json["data"]
    assert [one["id"] for one in listed] == [name]
    assert caller.get("/api/runs/ex_none").status == 404


def test_a_crash_in_a_call_leaves_a_failed_run_and_no_second_call(
    upstream: FakeUpstream, serving: Callable[..., RunningGateway], notes: Path, calling: Any, tmp_path: Path
) -> None:
    """The process is killed while a tool that changes something is called."""
    Model(upstream, by_turns(Turn("On.", [("test_die", {"text": "died"})]), Turn("Done.")))
    settings = {"provider-agents": {"lease": 1}}
    place = tmp_path / "gateway"
    with serving(place, **settings) as running, pytest.raises(openai.APIError):
        client(running).chat.completions.create(
            model="agent_tools", messages=HI, extra_headers={"X-Request-Id": "my-request-2"}
        )
    with serving(place, **settings) as running:
        caller = calling(running.url)
        [found] = caller.get("/api/runs?request_id=my-request-2").json["data"]
        run = run_of(caller, found["id"], "failed")
        assert [(call["tool"], call["state"]) for call in run["calls"]] == [("test_die", "unknown")]
        assert "none is made again" in run["error"]
        lines = (notes / "notes").read_text().splitlines()
        assert len([line for line in lines if line.startswith("died ")]) == 1


def test_a_client_that_leaves_ends_the_run_and_its_tools(
    upstream: FakeUpstream, gateway: RunningGateway, notes: Path, calling: Any
) -> None:
    Model(upstream, by_turns(Turn("On.", [("test_note", {"text": "left"}), ("test_hang", {})])))
    stream = client(gateway).chat.completions.create(model="agent_tools", messages=HI, stream=True)
    name = stream.response.headers["x-gateway-exchange"]
    while not (notes / "notes").exists() or f"left {name}" not in (notes / "notes").read_text():
        time.sleep(0.01)
    stream.close()
    caller = calling(gateway.url)
    run, turns = records(caller, name, 1)
    assert (run["outcome"], [one["outcome"] for one in turns]) == ("client_gone", ["complete"])
    assert turns[0]["usage"]["output"] == 5
    told = run_of(caller, name, "cancelled")
    assert [(call["tool"], call["state"]) for call in told["calls"]] == [("test_note", "answered")]


async def test_many_runs_at_once_lose_nothing(upstream: FakeUpstream, gateway: RunningGateway, calling: Any) -> None:
    """200 runs of 10 turns: each adds up its own numbers, and the ledger has each turn once."""

    def mind(messages: list[Json]) -> Turn:
        done, own = rounds(messages), messages[1]["content"]
        if done < 9:
            return Turn(f"{own}.{done} ", [("test_echo", {"text": f"{own}.{done}"})], usage=(done + 1, 1))
        assert results(messages) == [f"{own}.{number}" for number in range(9)]
        return Turn(f"{own}.9", usage=(10, 1))

    model = Model(upstream, mind)
    async with openai.AsyncOpenAI(base_url=gateway.url + "/v1", api_key=gateway.key, timeout=120) as chat:

        async def run(number: int) -> tuple[str, str, int]:
            stream = await chat.responses.create(model="agent_tools", input=f"r{number}", stream=True)
            events: Any = [event async for event in stream]
            assert [event.sequence_number for event in events] == list(range(len(events)))
            whole = events[-1].response
            calls = [item for item in whole.output if item.type == "mcp_call"]
            assert [call.output for call in calls] == [f"r{number}.{step}" for step in range(9)]
            return stream.response.headers["x-gateway-exchange"], whole.output_text, whole.usage.input_tokens

        found = await asyncio.gather(*(run(number) for number in range(200)))
    assert [text for _, text, _ in found] == ["".join(f"r{n}.{step}" for step in range(10)) for n in range(200)]
    assert {tokens for _, _, tokens in found} == {sum(range(1, 11))}
    assert len(model.asked) == 2000
    ids, caller, turns, cursor = {name for name, _, _ in found}, calling(gateway.url), 0, ""
    until = time.monotonic() + 30
    while turns < 2000 and time.monotonic() < until:
        turns, cursor = 0, ""
        while cursor is not None:
            page = caller.get(f"/api/admin/usage/records?limit=100{'&cursor=' + cursor if cursor else ''}").json
            turns += sum(one.get("parent") in ids for one in page["data"])
            cursor = page["next_cursor"]
    assert turns == 2000
