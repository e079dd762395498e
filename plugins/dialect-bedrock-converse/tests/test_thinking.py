"""How much to think, and what goes back of thoughts."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw

from gateway import (
    Call,
    Limits,
    Message,
    Opaque,
    Reasoning,
    ReasoningOptions,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

HI = Message("user", [Text("Hi")])
CALLED = [HI, Message("assistant", [ToolCall("c1", "f", "{}")]), Message("tool", [ToolResult("c1", [Text("ok")])])]
OLD, NOVA, LLAMA = "anthropic.claude-3-haiku-20240307-v1:0", "amazon.nova-lite-v1:0", "meta.llama3-8b-instruct-v1:0"
BUDGET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NEW, NEWEST = "us.anthropic.claude-opus-4-6-v1", "eu.anthropic.claude-sonnet-5"


@pytest.mark.parametrize(
    ("model", "options", "fields", "effort", "loss"),
    [
        (BUDGET, ReasoningOptions(effort="low"), {"thinking": {"type": "enabled", "budget_tokens": 2048}}, None, ()),
        (BUDGET, ReasoningOptions(budget=5000), {"thinking": {"type": "enabled", "budget_tokens": 5000}}, None, ()),
        (BUDGET, ReasoningOptions(budget=5), {"thinking": {"type": "enabled", "budget_tokens": 1024}}, None, ()),
        (BUDGET, ReasoningOptions(budget=-1), {"thinking": {"type": "enabled", "budget_tokens": 8192}}, None, ()),
        (BUDGET, ReasoningOptions(effort="none"), None, None, ()),
        (BUDGET, ReasoningOptions(budget=0), None, None, ()),
        (NEW, ReasoningOptions(effort="high"), {"thinking": {"type": "adaptive"}}, "high", ()),
        (NEW, ReasoningOptions(effort="minimal"), {"thinking": {"type": "adaptive"}}, "low", ()),
        (
            NEW,
            ReasoningOptions(effort="max", summary="none"),
            {"thinking": {"type": "adaptive", "display": "omitted"}},
            "max",
            (),
        ),
        (
            NEW,
            ReasoningOptions(budget=9000, summary="auto"),
            {"thinking": {"type": "adaptive", "display": "summarized"}},
            None,
            ("reasoning.budget",),
        ),
        (NEW, ReasoningOptions(budget=-1), {"thinking": {"type": "adaptive"}}, None, ()),
        (NEW, ReasoningOptions(effort="none"), {"thinking": {"type": "disabled"}}, None, ()),
        (OLD, ReasoningOptions(effort="low", summary="auto"), None, None, ("reasoning.effort", "reasoning.summary")),
        (OLD, ReasoningOptions(effort="none"), None, None, ()),
        (
            "amazon.nova-2-lite-v1:0",
            ReasoningOptions(effort="xhigh"),
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}},
            None,
            (),
        ),
        (
            "us.amazon.nova-2-lite-v1:0",
            ReasoningOptions(effort="none"),
            {"reasoningConfig": {"type": "disabled"}},
            None,
            (),
        ),
        ("openai.gpt-oss-120b-1:0", ReasoningOptions(effort="medium"), {"reasoning_effort": "medium"}, None, ()),
        ("openai.gpt-oss-120b-1:0", ReasoningOptions(effort="none"), None, None, ("reasoning.effort",)),
        ("deepseek.v3-v1:0", ReasoningOptions(budget=99), {"reasoning_config": "medium"}, None, ("reasoning.budget",)),
    ],
)
def test_how_much_to_think(
    model: str, options: ReasoningOptions, fields: Any, effort: Any, loss: tuple[str, ...], written: Any
) -> None:
    body = written(Call("m", [HI], reasoning=options), model, loss)
    assert body.get("additionalModelRequestFields") == fields
    assert body.get("outputConfig") == ({"effort": effort} if effort else None)


def test_a_budget_leaves_room_for_the_reply(written: Any) -> None:
    def thinking(most: int, options: ReasoningOptions, loss: tuple[str, ...] = ()) -> Any:
        body = written(Call("m", [HI], reasoning=options, limits=Limits(max_output=most)), loss=loss)
        return body.get("additionalModelRequestFields", {}).get("thinking", {}).get("budget_tokens")

    assert thinking(4000, ReasoningOptions(effort="high")) == 2000
    assert thinking(4000, ReasoningOptions(budget=4000), ("reasoning.budget",)) == 2000
    assert thinking(1000, ReasoningOptions(effort="high"), ("reasoning.effort",)) is None


def test_claude_does_not_think_where_it_would_refuse_to(written: Any) -> None:
    effort, tools = ReasoningOptions(effort="low"), [Tool("f")]
    forced = Call("m", [HI], tools=tools, tool_choice=ToolChoice("required"), reasoning=effort)
    assert "additionalModelRequestFields" not in written(forced, loss=("reasoning.effort",))
    unsigned = Call("m", CALLED, tools=tools, reasoning=effort)
    assert "additionalModelRequestFields" not in written(unsigned, loss=("reasoning.effort",))
    assert "additionalModelRequestFields" in written(unsigned, NEW)
    sampled = Call("m", [HI], reasoning=effort, sampling=Sampling(temperature=0.2, top_k=3))
    body = written(sampled, loss=("temperature", "top_k"))
    assert "inferenceConfig" not in body


def test_thoughts_go_back_with_a_proof_of_this_endpoint_alone(written: Any) -> None:
    def proof(domain: str, form: str = "thinking", dialect: str = "bedrock-converse") -> Opaque:
        return Opaque(dialect, form, Raw(b'"c2ln"'), domain)

    thoughts: list[Any] = [
        Reasoning("Hm", proof=proof("here")),
        Reasoning(proof=proof("here", "redacted")),
        proof("here", "redacted"),
        Reasoning("Hm", proof=proof("there")),
        Reasoning("Hm", proof=proof("here", dialect="other")),
        Reasoning("Hm"),
        Reasoning("Hm", summary=True, proof=proof("here")),
        proof("here", "unknown"),
        Text("So.", proof=proof("here", "text")),
    ]
    loss = (*(f"messages[1].content[{at}]" for at in range(3, 8)), "messages[1].content[8].proof")
    content = written(Call("m", [HI, Message("assistant", thoughts)]), loss=loss)["messages"][1]["content"]
    redacted = {"reasoningContent": {"redactedContent": "c2ln"}}
    signed = {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "c2ln"}}}
    assert content == [signed, redacted, redacted, {"text": "So."}]
