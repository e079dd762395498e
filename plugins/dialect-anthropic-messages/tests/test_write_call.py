"""A Call as an upstream's body, and what is lost on the way."""

from __future__ import annotations

import json

import msgspec
import pytest

from gateway import (
    Call,
    Limits,
    Message,
    ModelFacts,
    OutputFormat,
    Quirks,
    ReasoningOptions,
    Sampling,
    State,
    Text,
    Tool,
    ToolChoice,
    UpstreamBroken,
)
from gateway.wire import jsontext


def asked(**members):
    return Call("m", [Message("user", [Text("Hi")])], **members)


def body(client, target, call):
    return json.loads(client.encode(call, target).body)


def test_a_plain_call_has_what_must_be_there(client, target):
    encoded = client.encode(asked(), target)
    assert encoded.path == "/messages"
    assert json.loads(encoded.body) == {
        "model": "upstream-model",
        "max_tokens": 8192,
        "messages": [{"role": "user", "content": "Hi"}],
    }
    assert encoded.loss == ()


def test_the_limit_is_the_clients_or_what_the_model_can(client, target, monkeypatch):
    assert body(client, target, asked(limits=Limits(max_output=7)))["max_tokens"] == 7
    monkeypatch.setattr(target.provider, "facts", lambda model: ModelFacts(max_output=4096), raising=False)
    assert body(client, target, asked())["max_tokens"] == 4096


def test_parameters_go_under_the_vendors_names(client, target):
    call = asked(
        system=[Text("A"), Text("B")],
        sampling=Sampling(temperature=0.5, top_p=0.9, top_k=3, stop=("x",)),
        output_format=OutputFormat("schema", name="n", schema=jsontext.raw({"type": "object"}), strict=True),
        stream=True,
        user="u1",
        service_tier="default",
    )
    encoded = client.encode(call, target)
    found = json.loads(encoded.body)
    assert found["system"] == [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]
    assert [found[name] for name in ("temperature", "top_p", "top_k", "stop_sequences")] == [0.5, 0.9, 3, ["x"]]
    assert found["output_config"] == {"format": {"type": "json_schema", "schema": {"type": "object"}}}
    assert (found["stream"], found["metadata"], found["service_tier"]) == (True, {"user_id": "u1"}, "standard_only")
    assert encoded.loss == ()


@pytest.mark.parametrize(
    ("members", "loss"),
    [
        ({"sampling": Sampling(temperature=1.5)}, ("temperature",)),
        ({"sampling": Sampling(choices=2)}, ("n",)),
        ({"sampling": Sampling(choices=1, frequency_penalty=0.0)}, ()),
        ({"sampling": Sampling(seed=1, logit_bias=jsontext.raw({"1": 2}))}, ("seed", "logit_bias")),
        (
            {"sampling": Sampling(frequency_penalty=0.1, presence_penalty=0.1)},
            ("frequency_penalty", "presence_penalty"),
        ),
        ({"sampling": Sampling(logprobs=True, top_logprobs=3)}, ("logprobs", "top_logprobs")),
        ({"sampling": Sampling(stop=("\n", "x"))}, ("stop",)),
        ({"output_format": OutputFormat("json")}, ("response_format",)),
        ({"output_format": OutputFormat("text")}, ()),
        ({"verbosity": "low"}, ("verbosity",)),
        ({"metadata": {"a": "b"}}, ("metadata",)),
        ({"prompt_cache_key": "k"}, ("prompt_cache_key",)),
        ({"service_tier": "flex"}, ("service_tier",)),
        ({"safety_identifier": "s"}, ()),
        ({"safety_identifier": "s", "user": "u"}, ("safety_identifier",)),
        ({"limits": Limits(max_tool_calls=2, truncation="auto")}, ("max_tool_calls", "truncation")),
        ({"state": State(previous_response_id="r", store=True)}, ("previous_response_id", "store")),
        ({"dialect": "openai-chat", "extra": {"modalities": jsontext.raw(["audio"])}}, ("modalities",)),
        ({"reasoning": ReasoningOptions(summary="auto")}, ("reasoning.summary",)),
    ],
)
def test_what_has_no_place_is_told(client, target, members, loss):
    assert client.encode(asked(**members), target).loss == loss


def test_a_temperature_above_one_is_one(client, target):
    assert body(client, target, asked(sampling=Sampling(temperature=1.5)))["temperature"] == 1.0


@pytest.mark.parametrize(
    ("options", "thinking", "config"),
    [
        (ReasoningOptions(effort="high"), {"type": "adaptive"}, {"effort": "high"}),
        (ReasoningOptions(effort="minimal"), {"type": "adaptive"}, {"effort": "low"}),
        (
            ReasoningOptions(effort="low", summary="auto"),
            {"type": "adaptive", "display": "summarized"},
            {"effort": "low"},
        ),
        (ReasoningOptions(effort="none"), {"type": "disabled"}, None),
        (ReasoningOptions(budget=0), {"type": "disabled"}, None),
        (ReasoningOptions(budget=-1), {"type": "adaptive"}, None),
        (ReasoningOptions(budget=5000), {"type": "adaptive"}, {"effort": "medium"}),
        (ReasoningOptions(), None, None),
    ],
)
def test_effort_lets_the_model_decide(client, target, options, thinking, config):
    found = body(client, target, asked(reasoning=options))
    assert (found.get("thinking"), found.get("output_config")) == (thinking, config)


@pytest.mark.parametrize(
    ("options", "most", "budget", "max_tokens", "loss"),
    [
        (ReasoningOptions(effort="high"), None, 16384, 24576, ()),
        (ReasoningOptions(effort="minimal"), None, 1024, 9216, ()),
        (ReasoningOptions(budget=100), None, 1024, 9216, ()),
        (ReasoningOptions(budget=3000), 5000, 3000, 5000, ()),
        (ReasoningOptions(effort="high"), 5000, 4999, 5000, ()),
        (ReasoningOptions(effort="high"), 1000, None, 1000, ("reasoning",)),
    ],
)
def test_older_models_get_a_budget_that_fits(client, target, options, most, budget, max_tokens, loss):
    older = msgspec.structs.replace(target, quirks=Quirks(reasoning_format="object"))
    encoded = client.encode(asked(reasoning=options, limits=Limits(max_output=most)), older)
    found = json.loads(encoded.body)
    assert found.get("thinking", {}).get("budget_tokens") == budget
    assert (found["max_tokens"], encoded.loss) == (max_tokens, loss)


def test_models_that_do_not_think_are_not_asked_to(client, target):
    plain = msgspec.structs.replace(target, quirks=Quirks(reasoning_format="none"))
    encoded = client.encode(asked(reasoning=ReasoningOptions(effort="high")), plain)
    assert b"thinking" not in encoded.body
    assert encoded.loss == ("reasoning",)


def test_what_thinks_is_not_sampled(client, target):
    call = asked(reasoning=ReasoningOptions(effort="high"), sampling=Sampling(temperature=0.2))
    encoded = client.encode(call, target)
    assert b"temperature" not in encoded.body
    assert encoded.loss == ("temperature",)


def test_members_that_an_upstream_refuses_are_left_out_and_told(client, target):
    picky = msgspec.structs.replace(target, quirks=Quirks(refused=frozenset({"temperature"})))
    encoded = client.encode(asked(sampling=Sampling(temperature=0.2)), picky)
    assert b"temperature" not in encoded.body
    assert encoded.loss == ("temperature",)


def tools(*names):
    return [Tool(name, parameters=jsontext.raw({"type": "object", "properties": {}})) for name in names]


@pytest.mark.parametrize(
    ("choice", "parallel", "written"),
    [
        (None, None, None),
        (None, True, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("auto"), None, {"type": "auto"}),
        (ToolChoice("required"), False, {"type": "any", "disable_parallel_tool_use": True}),
        (ToolChoice("tool", ("f",)), None, {"type": "tool", "name": "f"}),
        (ToolChoice("none"), False, {"type": "none"}),
        (ToolChoice("allowed", ("g",)), None, {"type": "auto"}),
        (ToolChoice("allowed", ("g",), required=True), None, {"type": "any"}),
    ],
)
def test_tool_choices(client, target, choice, parallel, written):
    encoded = client.encode(asked(tools=tools("f", "g"), tool_choice=choice, parallel_tool_calls=parallel), target)
    found = json.loads(encoded.body)
    assert found.get("tool_choice") == written
    assert [tool["name"] for tool in found["tools"]] == (["g"] if choice and choice.mode == "allowed" else ["f", "g"])
    assert encoded.loss == ()


def test_a_choice_among_no_tools_is_left_out(client, target):
    found = body(client, target, asked(tool_choice=ToolChoice("auto"), parallel_tool_calls=False))
    assert "tool_choice" not in found
    assert "tools" not in found


@pytest.mark.parametrize(
    ("parameters", "schema"),
    [
        (None, {"type": "object", "properties": {}}),
        ({}, {"type": "object", "properties": {}}),
        ({"properties": {"a": {}}}, {"type": "object", "properties": {"a": {}}}),
        ({"type": "object", "x": 1}, {"type": "object", "x": 1}),
    ],
)
def test_schemas_of_tools_are_of_objects(client, target, parameters, schema):
    tool = Tool("f", parameters=None if parameters is None else jsontext.raw(parameters))
    [written] = body(client, target, asked(tools=[tool]))["tools"]
    assert written == {"name": "f", "input_schema": schema}


def test_a_tool_of_free_text_becomes_one_with_that_text(client, target):
    encoded = client.encode(asked(tools=[Tool("f", kind="custom"), Tool("w", kind="hosted")]), target)
    [tool] = json.loads(encoded.body)["tools"]
    assert tool["input_schema"]["required"] == ["input"]
    assert encoded.loss == ("tools[0].type", "tools[1]")


def test_a_count_asks_with_what_counts(client, target):
    call = asked(system=[Text("S")], tools=tools("f"), sampling=Sampling(temperature=1, stop=("x",)), stream=True)
    encoded = client.encode_count(call, target)
    assert encoded.path == "/messages/count_tokens"
    assert list(json.loads(encoded.body)) == ["model", "system", "messages", "tools"]
    assert client.decode_count(b'{"input_tokens": 12}') == 12


def test_a_count_has_what_the_endpoint_sets_and_drops(client, target):
    there = msgspec.structs.replace(
        target,
        set={"anthropic_version": jsontext.raw("v"), "service_tier": jsontext.raw("auto")},
        drop=frozenset({"system"}),
    )
    encoded = client.encode_count(asked(system=[Text("S")]), there)
    assert list(json.loads(encoded.body)) == ["model", "messages", "anthropic_version"]


@pytest.mark.parametrize("reply", [b"", b"{}", b"[]", b'{"input_tokens": "x"}'])
def test_a_count_that_cannot_be_read_is_the_upstreams_fault(client, reply):
    with pytest.raises(UpstreamBroken):
        client.decode_count(reply)
