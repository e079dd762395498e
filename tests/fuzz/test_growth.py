"""Twice as much of anything takes twice the work, not four times: a hostile peer shall not stop the loop for all.

Work is counted in lines run, so no clock is needed. What C does in one line is not seen by this.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest
from seeds import aws_event
from targets import targets

TARGETS = targets()
COUNTED = ("gateway_dialect_", "/gateway/wire/", "/gateway/sse.py", "/gateway/carrier.py", "/gateway/usage.py")
FEW, MANY = 120, 240
MOST = 2.5


def sse(*events: str) -> bytes:
    return "".join(f"data: {event}\n\n" for event in events).encode()


def many(n: int, text: str) -> str:
    """The text once for each number, which stands for `#`."""
    return ",".join(text.replace("#", str(at)) for at in range(n))


def each(n: int, *texts: str) -> list[str]:
    return [text.replace("#", str(at)) for at in range(n) for text in texts]


CHAT_END = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
CHAT_CALL = '{"index":#,"id":"c#","function":{"name":"f","arguments":"{}"},"x#":1}'
ITEM = '{"type":"function_call","id":"i#","call_id":"c#","name":"f","arguments":"{}"}'
BEGUN = '{"type":"message_start","message":{"id":"m"}}'
ENDED = ('{"type":"message_delta","delta":{"stop_reason":"end_turn"}}', '{"type":"message_stop"}')
SUMMARY = "response.reasoning_summary_part.added"
REPLIES: dict[str, dict[str, Callable[[int], bytes]]] = {
    "openai-chat": {
        "choices": lambda n: sse(
            '{"choices":[' + many(n, '{"index":#,"delta":{"content":"x","y#":1},"finish_reason":"stop"}') + "]}"
        ),
        "calls": lambda n: sse(
            '{"choices":[{"index":0,"delta":{"tool_calls":[' + many(n, CHAT_CALL) + "]}}]}", CHAT_END
        ),
        "calls without places": lambda n: sse(
            *each(n, '{"choices":[{"delta":{"tool_calls":[{"id":"c#","function":{"name":"f"}}]}}]}'), CHAT_END
        ),
        "members": lambda n: sse(*each(n, '{"id":"x","z#":1,"choices":[{"delta":{"content":"x","y#":1}}]}'), CHAT_END),
    },
    "open-responses": {
        "items": lambda n: sse(
            *each(n, '{"type":"response.output_item.added","output_index":#,"item":' + ITEM + "}"),
            '{"type":"response.completed","response":{"status":"completed","output":[' + many(n, ITEM) + "]}}",
        ),
        "items done": lambda n: sse(
            *each(n, '{"type":"response.output_item.done","output_index":#,"item":' + ITEM + "}"),
            '{"type":"response.completed","response":{"status":"completed","output":[]}}',
        ),
        "parts": lambda n: sse(
            *each(n, '{"type":"' + SUMMARY + '","item_id":"r","output_index":0,"summary_index":#}'),
            '{"type":"response.completed","response":{"status":"completed","output":[]}}',
        ),
    },
    "anthropic-messages": {
        "blocks": lambda n: sse(
            BEGUN,
            *each(
                n,
                '{"type":"content_block_start","index":#,"content_block":{"type":"text","text":"x"}}',
                '{"type":"content_block_stop","index":#}',
            ),
            *ENDED,
        ),
        "blocks left open": lambda n: sse(
            BEGUN,
            *each(n, '{"type":"content_block_start","index":#,"content_block":{"type":"thinking","thinking":"x"}}'),
            *ENDED,
        ),
    },
    "gemini": {
        "parts": lambda n: sse(
            '{"candidates":[{"finishReason":"STOP","content":{"parts":['
            + many(n, '{"functionCall":{"name":"f","args":{}},"x#":1},{"text":"x"}')
            + "]}}]}"
        ),
        "candidates": lambda n: sse(
            '{"candidates":[' + many(n, '{"index":#,"finishReason":"STOP","content":{"parts":[{"text":"x"}]}}') + "]}"
        ),
    },
    "bedrock-converse": {
        "blocks": lambda n: (
            b"".join(
                aws_event(
                    "contentBlockDelta", f'{{"contentBlockIndex":{at},"delta":{{"text":"x","y{at}":1}}}}'.encode()
                )
                for at in range(n)
            )
            + aws_event("messageStop", b'{"stopReason":"end_turn"}')
        ),
    },
}
CALL = '{"id":"c#","type":"function","function":{"name":"f","arguments":"{}"}}'
HEAD = '{"model":"m","max_tokens":9,'
CALLS: dict[str, dict[str, Callable[[int], str]]] = {
    "openai-chat": {
        "messages": lambda n: '"messages":[' + many(n, '{"role":"user","content":"x","y#":1}') + "]",
        "results": lambda n: (
            '"messages":['
            + many(
                n, '{"role":"assistant","tool_calls":[' + CALL + ']},{"role":"tool","tool_call_id":"c#","content":"x"}'
            )
            + "]"
        ),
        "tools": lambda n: (
            '"messages":[{"role":"user","content":"x"}],"tools":['
            + many(n, '{"type":"function","function":{"name":"f#"}}')
            + '],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":['
            + many(n, '{"type":"function","function":{"name":"f#"}}')
            + "]}}"
        ),
    },
    "open-responses": {
        "items": lambda n: (
            '"input":[' + many(n, ITEM + ',{"type":"function_call_output","call_id":"c#","output":"x"}') + "]"
        ),
        "thoughts": lambda n: (
            '"input":['
            + many(n, '{"type":"reasoning","id":"r#","summary":[]},{"role":"assistant","content":"x"}')
            + "]"
        ),
    },
    "anthropic-messages": {
        "results": lambda n: (
            '"messages":[{"role":"assistant","content":['
            + many(n, '{"type":"tool_use","id":"c#","name":"f","input":{}}')
            + ']},{"role":"user","content":['
            + many(n, '{"type":"tool_result","tool_use_id":"c#","content":"x"}')
            + "]}]"
        ),
    },
    "gemini": {
        "results": lambda n: (
            '"contents":[{"role":"model","parts":['
            + many(n, '{"functionCall":{"name":"f"}}')
            + ']},{"role":"user","parts":['
            + many(n, '{"functionResponse":{"name":"f","response":{}}}')
            + "]}]"
        ),
        "texts": lambda n: '"contents":[' + many(n, '{"role":"model","parts":[{"text":"x"}]}') + "]",
    },
}


@contextmanager
def counting() -> Iterator[list[int]]:
    """Lines run in what reads and writes for others, the first of the list."""
    lines = [0]

    def enter(frame: FrameType, event: str, argument: Any) -> Any:
        return inside if any(part in frame.f_code.co_filename for part in COUNTED) else None

    def inside(frame: FrameType, event: str, argument: Any) -> Any:
        lines[0] += event == "line"
        return inside

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        yield lines
    finally:
        sys.settrace(before)


def work(name: str, data: bytes) -> int:
    with counting() as lines:
        TARGETS[name](data)
    return lines[0]


@pytest.mark.parametrize(("dialect", "shape"), [(name, shape) for name, shapes in REPLIES.items() for shape in shapes])
@pytest.mark.parametrize("client", range(4), ids=["chat", "responses", "messages", "gemini"])
def test_a_reply_of_twice_as_many_pieces_is_twice_the_work(dialect: str, shape: str, client: int) -> None:
    """Read, and written for each sort of client."""
    make = REPLIES[dialect][shape]
    flags = bytes((1 | client << 1,))
    few, more = (work(f"decoder-{dialect}", flags + make(n)) for n in (FEW, MANY))
    assert few > FEW
    assert more < MOST * few


@pytest.mark.parametrize(("dialect", "shape"), [(name, shape) for name, shapes in CALLS.items() for shape in shapes])
def test_a_call_of_twice_as_many_pieces_is_twice_the_work(dialect: str, shape: str) -> None:
    make = CALLS[dialect][shape]
    few, more = (work(f"server-{dialect}", b"\0" + (HEAD + make(n) + "}").encode()) for n in (FEW, MANY))
    assert few > FEW
    assert more < MOST * few
