"""Counts of tokens of agents with tools: what the first turn would send is counted, by its upstream where that can."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
import thinking
from google import genai
from thinking import Turn, by_turns

from gateway.testing import tools
from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.running import RunningGateway
from gateway.wire import rounds

Json = dict[str, Any]
HI: Any = [{"role": "user", "content": "Hi"}]
WEATHER: Json = {"name": "weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}
REPLY: Json = {
    "id": "m",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "Hello."}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
COUNTED = ("messages", "system", "tools")


@pytest.fixture(scope="module")
def gateway(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    place = tmp_path_factory.mktemp("counts")
    named = {"anthropic-messages": "claudes", "open-responses": "replies", "openai-chat": "plain"}
    custom = [
        {"name": name, "apiKey": "sk-of-the-operator", "baseURL": f"{upstream.url}/{name}"} for name in named.values()
    ]
    kept = {"instructions": "Be exact.", "tools": ["test_add"]}
    agents: list[Json] = [{"id": f"agent_{name}", "endpoint": name, "model": "m", **kept} for name in named.values()]
    first = {"endpoint": "claudes", "model": "m", **kept, "edges": [{"to": "agent_plain"}]}
    agents += [{"id": "agent_chain", **first}, {"id": "agent_bare", "endpoint": "claudes", "model": "m"}]
    custom_settings = {
        "dialects": {name: [dialect] for dialect, name in named.items()},
        "upstreams": {"replies": {"keeps_responses": True}},
    }
    endpoints = {"custom": [{**one, "models": {"default": ["m"]}} for one in custom]}
    text = thinking.config(upstream, *agents, endpoints=endpoints, **{"provider-custom": custom_settings})
    environ = thinking.environ(tools.installed(place / "site"), place / "notes")
    with RunningGateway(place / "gateway", text, environ=environ) as running:
        yield running


@pytest.fixture(scope="module")
def claude(gateway: RunningGateway) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=gateway.url, api_key=gateway.key, max_retries=0, timeout=20) as made:
        yield made


def asked(upstream: FakeUpstream, path: str) -> Json:
    [*_, last] = [one for one in upstream.arrived if one.path == path]
    body: Json = json.loads(last.body)
    return body


@pytest.mark.parametrize("agent", ["agent_claudes", "agent_chain"])
def test_an_upstream_counts_what_the_first_turn_is(
    upstream: FakeUpstream, claude: anthropic.Anthropic, agent: str
) -> None:
    upstream.answer("/claudes/messages/count_tokens", whole({"input_tokens": 321}))
    upstream.answer("/claudes/messages", whole(REPLY))
    call: Any = {"model": agent, "messages": HI, "system": "Be kind.", "tools": [WEATHER]}
    counted = claude.messages.with_raw_response.count_tokens(**call)
    claude.messages.create(max_tokens=99, **call)
    assert counted.parse().input_tokens == 321
    assert "x-gateway-estimated" not in counted.headers
    count, turn = asked(upstream, "/claudes/messages/count_tokens"), asked(upstream, "/claudes/messages")
    assert {name: count.get(name) for name in COUNTED} == {name: turn[name] for name in COUNTED}
    names = [one["name"] for one in count["tools"]]
    assert names[-2:] == ["test_add", "weather"]
    assert names[:-2] == (["lc_transfer_to_agent_plain"] if agent == "agent_chain" else [])
    said = str(count["system"])
    assert said.index("Be exact.") < said.index(tools.INSTRUCTIONS) < said.index("Be kind.")


def test_a_conversation_with_calls_is_counted_with_them(upstream: FakeUpstream, claude: anthropic.Anthropic) -> None:
    upstream.answer("/claudes/messages/count_tokens", whole({"input_tokens": 5}))
    name = rounds.shown("mcptoolu", "call_1")
    ran = {"type": "mcp_tool_use", "id": name, "name": "add", "server_name": "test", "input": {"a": 1}}
    came = {"type": "mcp_tool_result", "tool_use_id": name, "content": [{"type": "text", "text": "1"}]}
    history: Any = [*HI, {"role": "assistant", "content": [ran, came, {"type": "text", "text": "1."}]}, *HI]
    assert claude.messages.count_tokens(model="agent_claudes", messages=history).input_tokens == 5
    said = asked(upstream, "/claudes/messages/count_tokens")["messages"][1]["content"]
    assert [block.get("name") for block in said if block["type"] == "tool_use"] == ["test_add"]


def test_responses_are_counted_by_who_has_the_path(upstream: FakeUpstream, gateway: RunningGateway) -> None:
    upstream.answer("/replies/responses/input_tokens", whole({"object": "response.input_tokens", "input_tokens": 123}))
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.key, max_retries=0) as chat:
        assert chat.responses.input_tokens.count(model="agent_replies", input="Hi").input_tokens == 123
        count = asked(upstream, "/replies/responses/input_tokens")
        assert [one["name"] for one in count["tools"]] == ["test_add"]
        assert count["instructions"].startswith("Be exact.")
        assert count.keys() <= {"model", "input", "instructions", "tools"}


def test_where_nobody_counts_the_first_turn_is_estimated(
    upstream: FakeUpstream, claude: anthropic.Anthropic, gateway: RunningGateway
) -> None:
    """As much as it is, tools included."""
    model = thinking.Model(upstream, by_turns(Turn("Hello.")))
    upstream.react("/plain/chat/completions", model._answer)
    counted = claude.messages.with_raw_response.count_tokens(model="agent_plain", messages=HI)
    assert counted.headers["x-gateway-estimated"] == "true"
    claude.messages.create(model="agent_plain", messages=HI, max_tokens=99)
    [turn] = model.asked
    size = sum(len(json.dumps(turn[name])) for name in ("messages", "tools"))
    assert 0.4 < counted.parse().input_tokens / (size / 4) < 1
    gemini = genai.Client(api_key=gateway.key, http_options={"base_url": gateway.url})
    assert gemini.models.count_tokens(model="agent_plain", contents="Hi").total_tokens == counted.parse().input_tokens
    gemini.close()


def test_where_an_upstream_does_not_count_after_all_it_is_estimated(
    upstream: FakeUpstream, claude: anthropic.Anthropic
) -> None:
    upstream.answer("/claudes/messages/count_tokens", whole({}, status=404))
    counted = [
        claude.messages.with_raw_response.count_tokens(model=model, messages=HI)
        for model in ("agent_claudes", "agent_bare")
    ]
    assert [one.headers["x-gateway-estimated"] for one in counted] == ["true", "true"]
    assert counted[0].parse().input_tokens > counted[1].parse().input_tokens + 10


def test_who_counts_and_fails_is_told_without_what_is_secret(
    upstream: FakeUpstream, claude: anthropic.Anthropic, gateway: RunningGateway
) -> None:
    words = {"type": "error", "error": {"type": "invalid_request_error", "message": "sk-of-the-operator: Be exact."}}
    upstream.answer("/claudes/messages/count_tokens", whole(words, status=400))
    with pytest.raises(anthropic.BadRequestError) as caught:
        claude.messages.count_tokens(model="agent_claudes", messages=HI)
    assert "***" in str(caught.value)
    assert not any(secret in str(caught.value) for secret in ("sk-of", "Be exact."))


def test_an_agent_without_tools_is_counted_as_before(upstream: FakeUpstream, claude: anthropic.Anthropic) -> None:
    upstream.answer("/claudes/messages/count_tokens", whole({"input_tokens": 9}))
    assert claude.messages.count_tokens(model="agent_bare", messages=HI).input_tokens == 9
    assert "tools" not in asked(upstream, "/claudes/messages/count_tokens")
