"""Echo: says the caller's last words back, the same for the same call. The model's name says in what manner."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Literal

from msgspec import Struct

from gateway import (
    Block,
    BlockDelta,
    BlockStart,
    BlockStop,
    Call,
    Event,
    EventProvider,
    Exchange,
    Finished,
    Message,
    Reasoning,
    Started,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    UpstreamRefused,
    Usage,
)

MODELS = ("echo", "echo-tools", "echo-reasoning", "echo-error", "echo-slow")
PAUSE = 0.05
MOST_CHOICES = 128
THOUGHT = "The caller's words come back as they are."
_PIECE = re.compile(r"\s*\S+|\s+$")


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """enabled: whether the endpoint `echo` is offered."""

    enabled: bool = True


class Echo(EventProvider):
    endpoint = "echo"

    async def models(self) -> Sequence[str]:
        return MODELS

    async def run(self, call: Call, exchange: Exchange) -> AsyncIterator[Event]:
        if call.model == "echo-error":
            raise UpstreamRefused("This model refuses every call.", 429, code="rate_limit_exceeded", retry_after=1)
        pause = PAUSE if call.model == "echo-slow" else 0
        yield Started(model=call.model)
        for event in _events(call):
            if pause and isinstance(event, BlockDelta):
                await asyncio.sleep(pause)
            yield event


def _events(call: Call) -> Iterator[Event]:
    """After `Started`: each choice's blocks, the usage of all, each choice's end."""
    choices = range(min(max(call.sampling.choices or 1, 1), MOST_CHOICES))
    tool = _tool_to_call(call)
    thought = _pieces(THOUGHT) if call.model == "echo-reasoning" else []
    words = [] if tool else _pieces(_last_words(call))
    said = words if call.limits.max_output is None else words[: max(call.limits.max_output - len(thought), 0)]
    for choice in choices:
        if thought:
            yield from _block(choice, 0, Reasoning(), thought)
        if tool is None:
            yield from _block(choice, 1 if thought else 0, Text(), said)
        else:
            called = ToolCall(id=f"call_echo_{choice}", name=tool.name, kind=_kind(tool))
            yield from _block(choice, 0, called, ["{}"])
    output = len(thought) + (1 if tool else len(said))
    yield Usage(
        input=_count(call),
        output=output * len(choices),
        reasoning=len(thought) * len(choices) if thought else None,
    )
    for choice in choices:
        yield Finished(choice, "tool_calls" if tool else "stop" if len(said) == len(words) else "length")


def _block(choice: int, index: int, block: Block, pieces: Iterable[str]) -> Iterator[Event]:
    yield BlockStart(choice, index, block)
    for piece in pieces:
        yield BlockDelta(choice, index, piece)
    yield BlockStop(choice, index)


def _tool_to_call(call: Call) -> Tool | None:
    """The first tool the client runs itself, unless it has just answered one."""
    if call.model != "echo-tools" or (call.messages and call.messages[-1].role == "tool"):
        return None
    return next((tool for tool in call.tools if tool.kind != "hosted"), None)


def _kind(tool: Tool) -> Literal["function", "custom"]:
    return "custom" if tool.kind == "custom" else "function"


def _last_words(call: Call) -> str:
    """Of the last message that is the client's: a user's, or a tool's result."""
    spoken = (message for message in reversed(call.messages) if message.role in ("user", "tool"))
    return next((_words_of(message) for message in spoken), "")


def _words_of(message: Message) -> str:
    return "".join(_texts(message.blocks))


def _texts(blocks: Iterable[Block]) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, Text):
            yield block.text
        elif isinstance(block, ToolResult):
            yield from _texts(block.blocks)


def _count(call: Call) -> int:
    """Words read, of the system's texts and every message: what stands for tokens here."""
    texts = [text.text for text in call.system] + [_words_of(message) for message in call.messages]
    return sum(len(text.split()) for text in texts)


def _pieces(text: str) -> list[str]:
    """Words with the space before them; together they are the text."""
    return _PIECE.findall(text)
