"""Agents that follow one another, and what each one's model says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import openai
from thinking import Model, Turn

from gateway.testing.fake_upstream import FakeUpstream

Json = dict[str, Any]
WEATHER: Json = {
    "name": "weather",
    "description": "Tells the weather.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
TO_SALES, TO_LAW = "lc_transfer_to_agent_sales", "lc_transfer_to_agent_law"


def agent(name: str, **more: Any) -> Json:
    """Its instructions begin with its name, by which its part is found."""
    return {"id": f"agent_{name}", "name": name.title(), "instructions": f"{name}: be brief.", "model": name, **more}


def direct(to: str | list[str], **more: Any) -> Json:
    return {"to": to, "edgeType": "direct", **more}


AGENTS = [
    agent(
        "desk",
        description="Answers the door.",
        edges=[
            {"to": "agent_sales", "description": "For buyers.", "prompt": "What is wanted.", "promptKey": "task"},
            {"to": ["agent_law"], "edgeType": "handoff"},
            {"to": "agent_secret"},
            {"to": "agent_never"},
        ],
    ),
    agent("sales", tools=["test_add", "test_whoami"], model_parameters={"temperature": 0.25}),
    agent("law", description="Knows the law.", edges=[{"to": "agent_desk"}]),
    agent("secret", access={"roles": ["NOBODY"]}),
    agent("draft", agent_ids=["agent_edit", "agent_print"]),
    agent("edit", tools=["test_echo"]),
    agent("print"),
    agent("quiet", agent_ids=["agent_edit", "agent_print"], hide_sequential_outputs=True),
    agent("shy", edges=[{"to": "agent_law"}], hide_sequential_outputs=True, tools=["test_add"]),
    agent("lead", edges=[direct(["agent_left", "agent_right"]), direct("agent_sum", **{
        "from": ["agent_left", "agent_right"], "prompt": "Weigh these:\n{results}"})]),
    agent("left", tools=["test_wait"]),
    agent("right"),
    agent("sum"),
    agent("plain", edges=[direct("agent_print")]),
    agent("barred", edges=[direct("agent_secret")]),
    agent("lost", edges=[direct("agent_never")]),
    agent("ping", edges=[{"to": "agent_pong"}], recursion_limit=4),
    agent("pong", edges=[{"to": "agent_ping"}]),
    agent(
        "chief",
        subagents={"enabled": True, "agent_ids": ["agent_edit", "agent_secret", "agent_plain"]},
        edges=[{"to": "agent_sum"}],
    ),
    agent("loner", subagents={"enabled": True}),
    agent("once", agent_ids=["agent_edit"], output="final"),
    agent("ends", tools=["test_echo"], end_after_tools=True, edges=[direct("agent_print")]),
]  # fmt: skip
MODELS = [one["model"] for one in AGENTS]
PRICES = {name: {"prompt": 1.0, "completion": 2.0, "context": 100_000} for name in MODELS}


class Parts:
    """What each agent's model says, one turn after the other, the last one again and again."""

    def __init__(self, upstream: FakeUpstream, **turns: list[Turn] | Turn) -> None:
        self._turns = {name: turn if isinstance(turn, list) else [turn] for name, turn in turns.items()}
        self._said = dict.fromkeys(turns, 0)
        self._lock = threading.Lock()
        self._model = Model(upstream, self._turn)

    @property
    def asked(self) -> list[Json]:
        return self._model.asked

    def of(self, name: str) -> list[Json]:
        return [body for body in self.asked if body["model"] == name]

    @property
    def order(self) -> list[str]:
        return [body["model"] for body in self.asked]

    def _turn(self, messages: list[Json]) -> Turn:
        name = str(messages[0]["content"]).partition(":")[0]
        with self._lock:
            turns, at = self._turns[name], self._said[name]
            self._said[name] += 1
        return turns[min(at, len(turns) - 1)]


def talk(body: Json) -> list[tuple[str, Any]]:
    return [(one["role"], one.get("content")) for one in body["messages"] if one["role"] != "system"]


def handed(**more: Any) -> dict[str, Any]:
    """The desk hands over to sales, who add and answer."""
    return {
        "desk": Turn("One moment. ", [(TO_SALES, {"task": "Add it up."})]),
        "sales": [Turn("So. ", [("test_add", {"a": 1, "b": 2})], usage=(20, 7)), Turn("It is 3.", usage=(30, 2))],
        **more,
    }


def message_of(came: Any) -> Json:
    """The assistant's message of a reply, or of a stream."""
    if not isinstance(came, openai.Stream):
        said: Json = came.choices[0].message.model_dump(exclude_none=True)
        return said
    message: Json = {"role": "assistant", "content": "", "tool_calls": []}
    for chunk in came:
        for choice in chunk.choices:
            message["content"] += choice.delta.content or ""
            for piece in choice.delta.tool_calls or ():
                if piece.id:
                    function = {"name": piece.function.name, "arguments": ""}
                    message["tool_calls"].append({"id": piece.id, "type": "function", "function": function})
                message["tool_calls"][-1]["function"]["arguments"] += piece.function.arguments or ""
    return message if message["tool_calls"] else {"role": "assistant", "content": message["content"]}


def until(there: Callable[[], Any]) -> None:
    end = time.monotonic() + 20
    while not (came := there()) and time.monotonic() < end:
        time.sleep(0.02)
    assert came
