"""The choice among tools, and sound: read and written again."""

from __future__ import annotations

import json

import pytest

from gateway import Call, Message, ReasoningOptions, Text, Tool, ToolChoice

TOOLS = [
    {"type": "function", "name": "f", "parameters": {}, "strict": False},
    {"type": "custom", "name": "g", "format": {"type": "grammar", "syntax": "lark", "definition": "start: /a+/"}},
    {"type": "web_search", "filters": {"allowed_domains": ["x.org"]}},
]
F, G, W = {"type": "function", "name": "f"}, {"type": "custom", "name": "g"}, {"type": "web_search"}


def allowed(*tools, mode="auto"):
    return {"type": "allowed_tools", "mode": mode, "tools": list(tools)}


@pytest.mark.parametrize(
    "choice",
    [
        "auto",
        "none",
        "required",
        F,
        G,
        W,
        {"type": "mcp", "server_label": "s", "name": "n"},
        F | {"x": 1},
        allowed(F),
        allowed(G, mode="required"),
        allowed(F, G),
        allowed(F, W),
        allowed(F | {"x": 1}),
    ],
)
def test_a_choice_is_written_as_it_was_read(server, client, target, inbound, choice):
    asked = {"model": "upstream-model", "input": [], "tools": TOOLS, "tool_choice": choice}
    encoded = client.encode(server.decode(inbound(asked)), target)
    assert (json.loads(encoded.body), encoded.loss) == (asked, ())


def test_another_dialects_choice_is_of_the_sort_that_was_declared(client, target):
    tools = [Tool("f"), Tool("g", kind="custom")]
    call = Call("m", [Message("user", [Text("Hi")])], tools=tools, tool_choice=ToolChoice("allowed", ("f", "g"), True))
    assert json.loads(client.encode(call, target).body)["tool_choice"] == allowed(F, G, mode="required")


def test_sound_of_this_dialect_is_kept(server, client, target, inbound):
    sound = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav", "x": 1}}
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hear"}, sound]}
    encoded = client.encode(server.decode(inbound({"input": [item]})), target)
    assert (json.loads(encoded.body)["input"], encoded.loss) == ([item], ())


@pytest.mark.parametrize(
    ("options", "dialect", "asked"),
    [
        (ReasoningOptions(effort="low"), "", True),
        (ReasoningOptions(effort="none"), "", False),
        (ReasoningOptions(), "", False),
        (ReasoningOptions(effort="low"), "open-responses", False),
    ],
)
def test_proofs_are_asked_for_where_another_dialects_call_has_the_model_think(client, target, options, dialect, asked):
    body = json.loads(client.encode(Call("m", reasoning=options, dialect=dialect), target).body)
    assert ("reasoning.encrypted_content" in body.get("include", [])) is asked
