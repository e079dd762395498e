"""Passing: what an agent is told of those before it in the same run.

Source: danny-avila/agents `src/graphs/MultiAgentGraph.ts`, `processHandoffReception` and the prompts of direct edges.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

import msgspec
from msgspec import Struct

from gateway import Block, Message, Opaque, Reasoning, Refusal, Text, ToolCall, ToolResult

from .edges import PREFIX, RESULTS

CUE = "[What stands above is another agent's reply, and it is whole. Now do your own part, by your own instructions.]"
BRIDGE = "[The tools have answered, and another agent goes on.]"


class Said(Struct):
    """What one agent said, and what its tools did. name: the agent's."""

    name: str
    messages: list[Message]


class Arrival(Struct):
    """An agent's turn to go on. before: names of those who handed over to it. instructions: of theirs for it. prompt:
    of the edge that leads to it, where `{results}` stands for what was said. excludes: whether it is told nothing else
    of the run.
    """

    agent: str
    before: list[str] = []
    instructions: list[str] = []
    prompt: str = ""
    excludes: bool = False


def told(arrival: Arrival, said: Sequence[Said], tools: bool) -> list[Message]:
    """Behind the conversation of the client. tools: whether the agent has any, as calls of others' need."""
    context = [] if arrival.excludes else [message for one in said for message in passed(one.messages)]
    if not tools:
        context = [without_calls(message) for message in context]
    asked = list(arrival.instructions)
    if arrival.prompt:
        asked.append(arrival.prompt.replace(RESULTS, spoken(said)) if RESULTS in arrival.prompt else arrival.prompt)
    if not asked and context and context[-1].role == "assistant":
        asked = [CUE]
    if asked and context and context[-1].role == "tool":
        context.append(Message("assistant", [Text(BRIDGE)]))
    return [*context, *([Message("user", [Text("\n\n".join(asked))])] if asked else [])]


def note(name: str, before: Sequence[str]) -> str:
    """For the instructions of an agent that others handed over to."""
    return (
        f"You are the agent {name}; {' and '.join(before)} handed this conversation over to you. Do your own part, and "
        "hand over in your turn only where one of your tools does that."
    )


def spoken(said: Sequence[Said]) -> str:
    """As text, by who said it."""
    lines = [line for one in said for message in passed(one.messages) for line in _lines(message, one.name)]
    return "\n".join(lines)


def _lines(message: Message, name: str) -> Iterator[str]:
    who = name if message.role == "assistant" else "User"
    words = "".join(block.text for block in message.blocks if isinstance(block, Text))
    if words.strip():
        yield f"{who}: {words.strip()}"
    for block in message.blocks:
        if isinstance(block, ToolResult):
            yield f"Tool: {''.join(part.text for part in block.blocks if isinstance(part, Text)).strip()}"


def passed(messages: Sequence[Message]) -> Iterator[Message]:
    """Without handing over, thoughts, and what only the upstream of whoever said it reads."""
    calls = {
        block.id
        for message in messages
        for block in message.blocks
        if isinstance(block, ToolCall) and block.executor == "client" and not block.name.startswith(PREFIX)
    }
    for message in messages:
        blocks = [made for block in message.blocks if (made := _passed(block, calls)) is not None]
        if blocks:
            yield Message(message.role, blocks)


def without_calls(message: Message) -> Message:
    """Calls and results as words, for an upstream that knows of no tools."""
    role = "user" if message.role == "tool" else message.role
    blocks: list[Block] = []
    for block in message.blocks:
        if isinstance(block, ToolCall):
            blocks.append(Text(f"[{block.name}({block.arguments})]"))
        elif isinstance(block, ToolResult):
            blocks += [Text("[A tool answered:]"), *block.blocks]
        else:
            blocks.append(block)
    return Message(role, blocks)


def _passed(block: Block, calls: Container[str]) -> Block | None:
    match block:
        case Text() | Refusal():
            return Text(block.text) if block.text else None
        case ToolCall():
            return msgspec.structs.replace(block, extra={}, item_id=None, proof=None) if block.id in calls else None
        case ToolResult():
            return msgspec.structs.replace(block, extra={}) if block.call_id in calls else None
        case Reasoning() | Opaque():
            return None
    return block
