"""Replies in canonical form: examples of them, and the order that events must keep."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import get_args

import msgspec
from hypothesis import strategies as st

from ...call import Call, Message, Reasoning, Text, Tool, ToolCall
from ...dialect import ServerDialect
from ...events import BlockDelta, BlockStart, BlockStop, Event, Failed, Finished, Reason, Started
from ...inbound import Inbound
from ...usage import Usage
from .. import replay
from ..replay import UpstreamAnswer

COUNTS = Usage(input=5, cache_read=4, output=7, reasoning=2)
Framed = Text | Reasoning | ToolCall
BEGINNINGS: tuple[Framed, ...] = (Text(), Text("begun "), Reasoning(), Reasoning(summary=True))
TEXT = ("Grüße,\n", 'a "quoted" \\ word', "😀 \u2028", " end")
ARGUMENTS = ('{"city": ', '"Zürich"', "}")


def call(stream: bool, *, tools: bool = True) -> Call:
    """A question with a tool, whose usage is to be told."""
    schema = msgspec.Raw(b'{"type":"object","properties":{"city":{"type":"string"}}}')
    return Call(
        "m",
        [Message("user", [Text("Hi there")])],
        tools=[Tool("weather", "Tells the weather.", schema)] if tools else [],
        stream=stream,
        stream_usage=True,
    )


def text_reply(usage: Usage = COUNTS) -> list[Event]:
    deltas = [BlockDelta(0, 0, text) for text in TEXT]
    return [Started(), BlockStart(0, 0, Text()), *deltas, BlockStop(0, 0), usage, Finished()]


def tool_reply() -> list[Event]:
    """Thoughts, a sentence, then two tool calls."""
    return [
        Started(),
        *_block(0, 0, Reasoning(), ("Let me ", "think.")),
        *_block(0, 1, Text(), ("I look.",)),
        *_block(0, 2, ToolCall("call_1", "weather"), ARGUMENTS),
        *_block(0, 3, ToolCall("call_2", "weather"), ("{}",)),
        COUNTS,
        Finished(reason="tool_calls"),
    ]


def wire(server: ServerDialect, request: Inbound, stream: bool) -> list[UpstreamAnswer]:
    """Replies as an upstream of this dialect sends them, by its own server half."""
    asked = server.decode(request)
    framing = server.peek(request).framing
    answers = []
    for events in (text_reply(), tool_reply()):
        encoder = server.encoder(asked, request, framing if stream else "json")
        body = replay.encoded_reply(encoder, (replay.filled(event, asked) for event in events))
        answers.append(UpstreamAnswer(200, encoder.content_type, body))
    return answers


@st.composite
def replies(draw: st.DrawFn) -> list[Event]:
    """Any reply that keeps the order: one or two choices, their blocks interleaved, usage at any time, or a failure."""
    lanes = [draw(_choice(choice)) for choice in range(draw(st.integers(1, 2)))]
    events: list[Event] = [Started(id=draw(st.sampled_from([None, "up_1"])), model="upstream-model")]
    while any(lanes):
        lane = draw(st.sampled_from([lane for lane in lanes if lane]))
        events.append(lane.pop(0))
        if draw(st.integers(0, 9)) == 0:
            events.append(Usage(input=draw(st.integers(0, 9)), output=draw(st.integers(0, 9))))
    return [*events, draw(st.sampled_from([COUNTS, Usage(), Usage(output=3, estimated=True)]))]


def disorder(events: Sequence[Event]) -> str | None:
    """What is wrong with the order of a reply; None where it is right."""
    opened: set[tuple[int, int]] = set()
    closed: set[tuple[int, int]] = set()
    finished: set[int] = set()
    for number, event in enumerate(events):
        wrong = _wrong(event, opened, closed, finished)
        if number and isinstance(events[number - 1], Failed):
            return f"event {number}: something after Failed"
        if not number and not isinstance(event, Started | Failed):
            wrong = "a reply begins with Started"
        if number and isinstance(event, Started):
            wrong = "a second Started"
        if wrong:
            return f"event {number} ({event}): {wrong}"
    if not events or not (isinstance(events[-1], Failed) or finished):
        return "no Finished and no Failed at the end"
    if opened - closed and not isinstance(events[-1], Failed):
        return f"blocks never stopped: {sorted(opened - closed)}"
    return None


def text_of(events: Iterable[Event]) -> str:
    """All text of text blocks, the first choice's."""
    blocks = {event.index: event.block for event in events if isinstance(event, BlockStart) and event.choice == 0}
    begun = "".join(block.text for block in blocks.values() if isinstance(block, Text))
    deltas = (event for event in events if isinstance(event, BlockDelta) and event.choice == 0)
    return begun + "".join(delta.text for delta in deltas if isinstance(blocks.get(delta.index), Text))


def tool_calls_of(events: Sequence[Event]) -> list[tuple[str, str, str]]:
    """id, name and arguments of each tool call of the first choice."""
    found = []
    for start in events:
        if isinstance(start, BlockStart) and start.choice == 0 and isinstance(start.block, ToolCall):
            deltas = (e.text for e in events if isinstance(e, BlockDelta) and (e.choice, e.index) == (0, start.index))
            found.append((start.block.id, start.block.name, start.block.arguments + "".join(deltas)))
    return found


def usage_of(events: Iterable[Event]) -> Usage | None:
    found = [event for event in events if isinstance(event, Usage)]
    return found[-1] if found else None


def _block(choice: int, index: int, block: Framed, texts: Iterable[str]) -> list[Event]:
    deltas = [BlockDelta(choice, index, text) for text in texts]
    return [BlockStart(choice, index, block), *deltas, BlockStop(choice, index)]


@st.composite
def _choice(draw: st.DrawFn, choice: int) -> list[Event]:
    lane: list[Event] = []
    for index in range(draw(st.integers(0, 3))):
        block: Framed = draw(st.sampled_from([*BEGINNINGS, ToolCall(f"call_{index}", "f")]))
        lane += _block(choice, index, block, draw(st.lists(st.text(max_size=5), max_size=3)))
    reason = draw(st.sampled_from(get_args(Reason)))
    return [*lane, Finished(choice, reason)]


def _wrong(event: Event, opened: set[tuple[int, int]], closed: set[tuple[int, int]], finished: set[int]) -> str | None:
    if isinstance(event, BlockStart | BlockDelta | BlockStop):
        block = (event.choice, event.index)
        if event.choice in finished:
            return "its choice has finished"
        if isinstance(event, BlockStart):
            wrong = "its index is not the next one" if event.index != _count(opened, event.choice) else None
            opened.add(block)
            return wrong
        if block not in opened or block in closed:
            return "its block is not open"
        if isinstance(event, BlockStop):
            closed.add(block)
    if isinstance(event, Finished):
        wrong = "its choice has finished before" if event.choice in finished else None
        finished.add(event.choice)
        return wrong
    return None


def _count(opened: set[tuple[int, int]], choice: int) -> int:
    return sum(1 for block in opened if block[0] == choice)
