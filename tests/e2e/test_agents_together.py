"""An agent whose tools are a real MCP server's, whose replies are kept and who remembers: all of it at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
import thinking
from openai.types.responses import ResponseOutputMessage
from openai.types.responses.response_output_item import McpCall
from thinking import Model, Turn, by_turns, results

from gateway.testing import installed
from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.running import RunningGateway

PROGRAM = Path(__file__).parents[2] / "plugins/tools-mcp/tests/kit/mcp_program.py"
ADD = "add_mcp_demo"
AGENTS = [
    {"id": "agent_adder", "instructions": "Add.", "tools": [ADD]},
    {"id": "agent_keeper", "instructions": "Add.", "tools": [ADD], "memory": "server"},
    {"id": "agent_plain", "instructions": "Talk."},
]
STEPS = (Turn("Let me see. ", [(ADD, {"a": 20, "b": 22})]), Turn("It is 42."))


@pytest.fixture(scope="module")
def gateway(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    missing = {"tools-mcp", "provider-agents", "provider-custom", "store-sql"} - installed.plugins().keys()
    if missing:
        pytest.skip(f"not installed: {', '.join(sorted(missing))}")
    server = {"type": "stdio", "command": sys.executable, "args": [str(PROGRAM), "stdio"], "serverInstructions": True}
    text = thinking.config(upstream, *AGENTS, top={"mcpServers": {"demo": server}})
    with RunningGateway(tmp_path_factory.mktemp("together"), text) as running:
        yield running


@pytest.fixture
def client(gateway: RunningGateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0) as client:
        yield client


def told(message: dict[str, Any]) -> tuple[str, Any]:
    return message["role"], message.get("content")


def test_a_reply_with_calls_of_an_mcp_server_is_kept_and_continued(
    upstream: FakeUpstream, client: openai.OpenAI
) -> None:
    model = Model(upstream, by_turns(*STEPS))
    said = client.responses.create(model="agent_adder", input="20 and 22?", store=True)
    assert [item.type for item in said.output] == ["message", "mcp_call", "message"]
    call = said.output[1]
    assert isinstance(call, McpCall)
    assert (call.server_label, call.name, call.output, call.error) == ("demo", "add", "42", None)
    assert said.output_text == "Let me see. It is 42."
    assert results(model.asked[1]["messages"]) == ["42"]
    system = model.asked[0]["messages"][0]["content"]
    assert system.startswith("Add.")
    assert "Add before you subtract." in system

    model = Model(upstream, by_turns(Turn("As I said: 42.")))
    again = client.responses.create(model="agent_adder", input="Sure?", previous_response_id=said.id, store=True)
    assert again.output_text == "As I said: 42."
    [asked] = model.asked
    assert [one["role"] for one in asked["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]
    assert asked["messages"][2]["tool_calls"][0]["function"]["name"] == ADD
    assert results(asked["messages"]) == ["42"]
    assert told(asked["messages"][-1]) == ("user", "Sure?")
    kept = client.responses.retrieve(said.id)
    assert [item.type for item in kept.output] == ["message", "mcp_call", "message"]


def test_a_stream_in_the_background_tells_of_the_calls_and_is_taken_up_again(
    upstream: FakeUpstream, client: openai.OpenAI
) -> None:
    Model(upstream, by_turns(*STEPS))
    begun = client.responses.create(model="agent_adder", input="20 and 22?", background=True, stream=True)
    with begun as events:
        first = next(iter(events))
    assert first.type == "response.created"
    with client.responses.retrieve(first.response.id, stream=True, starting_after=first.sequence_number) as events:
        rest = list(events)
    kinds = [event.type for event in rest]
    assert "response.mcp_call.completed" in kinds
    assert kinds[-1] == "response.completed"
    assert [event.sequence_number for event in rest] == list(range(1, len(rest) + 1))
    done = client.responses.retrieve(first.response.id)
    assert done.status == "completed"
    assert isinstance(done.output[-1], ResponseOutputMessage)
    assert done.output_text == "Letmesee.Itis42."


def test_clients_that_send_their_last_message_only_are_remembered_beside_tools(
    upstream: FakeUpstream, client: openai.OpenAI
) -> None:
    Model(upstream, by_turns(*STEPS))
    said = client.chat.completions.create(
        model="agent_keeper", messages=[{"role": "user", "content": "20 and 22?"}], user="a thread"
    )
    assert said.choices[0].message.content == "Let me see. It is 42."
    model = Model(upstream, by_turns(Turn("Yes.")))
    client.chat.completions.create(
        model="agent_keeper", messages=[{"role": "user", "content": "Sure?"}], user="a thread"
    )
    [asked] = model.asked
    assert [told(one) for one in asked["messages"]][1:] == [
        ("user", "20 and 22?"),
        ("assistant", "Let me see. It is 42."),
        ("user", "Sure?"),
    ]


WEATHER: Any = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}


def turns(asked: dict[str, Any]) -> list[tuple[str, Any]]:
    """What the model was told after its instructions: what was said, called, and came of it."""
    found: list[tuple[str, Any]] = []
    for one in asked["messages"][1:]:
        calls = [call["function"]["name"] for call in one.get("tool_calls") or ()]
        found.append((one["role"], calls or one["content"]))
    return found


@pytest.mark.parametrize("agent", ["agent_adder", "agent_keeper"])
def test_a_turn_of_both_sides_tools_goes_on_by_its_id_with_all_that_they_said(
    upstream: FakeUpstream, client: openai.OpenAI, agent: str
) -> None:
    """Chat memory is for clients of chat: an agent that has it is told nothing twice."""
    Model(upstream, by_turns(Turn("Let me see.", [(ADD, {"a": 20, "b": 22}), ("weather", {})])))
    said = client.responses.create(model=agent, input="20 and 22, and outside?", tools=[WEATHER])
    assert [item.type for item in said.output] == ["message", "mcp_call", "function_call"]
    call: Any = said.output[-1]
    model = Model(upstream, by_turns(Turn("Never."), Turn("42, and rain.")))
    answer: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
    done = client.responses.create(model=agent, input=[answer], previous_response_id=said.id, tools=[WEATHER])
    assert done.output_text == "42, and rain."
    first = [("user", "20 and 22, and outside?"), ("assistant", [ADD, "weather"]), ("tool", "42"), ("tool", "rain")]
    assert turns(model.asked[0]) == first
    model = Model(upstream, by_turns(Turn("Yes.")))
    client.responses.create(model=agent, input="Sure?", previous_response_id=done.id)
    assert turns(model.asked[0]) == [*first, ("assistant", "42, and rain."), ("user", "Sure?")]


def test_what_an_agents_tools_said_may_be_referred_to(upstream: FakeUpstream, client: openai.OpenAI) -> None:
    """As clients do that rely on `store`, and send no id of a response."""
    Model(upstream, by_turns(*STEPS))
    said = client.responses.create(model="agent_adder", input="20 and 22?")
    model = Model(upstream, by_turns(Turn("Yes.")))
    before: Any = [{"type": "item_reference", "id": item.id} for item in said.output]
    asked: Any = [{"role": "user", "content": "20 and 22?"}, *before, {"role": "user", "content": "Sure?"}]
    client.responses.create(model="agent_adder", input=asked)
    assert turns(model.asked[0]) == [
        ("user", "20 and 22?"),
        ("assistant", [ADD]),
        ("tool", "42"),
        ("assistant", "It is 42."),
        ("user", "Sure?"),
    ]


def test_what_an_agents_tools_said_is_known_to_whoever_goes_on(upstream: FakeUpstream, client: openai.OpenAI) -> None:
    Model(upstream, by_turns(*STEPS))
    said = client.responses.create(model="agent_adder", input="20 and 22?")
    model = Model(upstream, by_turns(Turn("Yes.")))
    client.responses.create(model="agent_plain", input="Sure?", previous_response_id=said.id)
    assert turns(model.asked[0])[0] == ("user", "20 and 22?")
    assert ("tool", "42") in turns(model.asked[0])
    assert turns(model.asked[0])[-1] == ("user", "Sure?")


def test_what_an_agents_tools_said_is_in_its_summary_and_none_is_run_for_it(
    upstream: FakeUpstream, client: openai.OpenAI
) -> None:
    Model(upstream, by_turns(*STEPS))
    said = client.responses.create(model="agent_adder", input="20 and 22?")
    model = Model(upstream, by_turns(Turn("They came to 42.")))
    made = client.responses.compact(model="agent_adder", previous_response_id=said.id)
    [asked] = model.asked
    assert asked["tool_choice"] == "none"
    assert "[result]\n42" in asked["messages"][-1]["content"]
    model = Model(upstream, by_turns(Turn("42.")))
    items: Any = [*(item.to_dict() for item in made.output), {"role": "user", "content": "Again?"}]
    client.responses.create(model="agent_adder", input=items)
    [before, summary, last] = turns(model.asked[0])
    assert (before, last) == (("user", "20 and 22?"), ("user", "Again?"))
    assert summary[1].endswith("They came to 42.")
