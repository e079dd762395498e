"""The choice among tools: read and written again, whatever the sort of tool."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gateway_dialect_openai_chat.client import ChatClient
from gateway_dialect_openai_chat.server import ChatServer

from gateway import Call, Message, Text, Tool, ToolChoice
from gateway.testing import replay

SERVER, CLIENT = ChatServer(), ChatClient()
GRAMMAR = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /a+/"}}
TOOLS = [
    {"type": "function", "function": {"name": "f", "parameters": {}, "strict": False}},
    {"type": "custom", "custom": {"name": "g", "description": "Writes", "format": GRAMMAR}},
]
F, G = {"type": "function", "function": {"name": "f"}}, {"type": "custom", "custom": {"name": "g"}}


def allowed(*tools: dict[str, Any], mode: str = "auto") -> dict[str, Any]:
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": list(tools)}}


@pytest.mark.parametrize(
    "choice",
    [
        "auto",
        "none",
        "required",
        F,
        G,
        allowed(F),
        allowed(G, mode="required"),
        allowed(F, G),
        F | {"x": 1},
        {"type": "custom", "custom": {"name": "g", "x": 1}},
        allowed(F) | {"x": {"y": 1}},
    ],
)
def test_a_choice_is_written_as_it_was_read(choice: Any) -> None:
    asked = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "tools": TOOLS, "tool_choice": choice}
    encoded = CLIENT.encode(SERVER.decode(replay.inbound(SERVER, json.dumps(asked).encode())), replay.target("m"))
    assert json.loads(encoded.body) == asked
    assert encoded.loss == ()


def test_another_dialects_choice_is_of_the_sort_that_was_declared() -> None:
    tools = [Tool("f"), Tool("g", kind="custom")]
    call = Call("m", [Message("user", [Text("Hi")])], tools=tools, tool_choice=ToolChoice("allowed", ("f", "g"), True))
    assert json.loads(CLIENT.encode(call, replay.target("m")).body)["tool_choice"] == allowed(F, G, mode="required")
