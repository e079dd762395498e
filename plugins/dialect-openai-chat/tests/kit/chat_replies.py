"""Chat replies, written chunk by chunk and read again however they are cut."""

from __future__ import annotations

import json
from typing import Any

from gateway_dialect_openai_chat.client import ChatClient

from gateway import BlockDelta, BlockStart, Event, Failed, ToolCall
from gateway.testing import replay
from gateway.testing.conformance.replies import disorder

TARGET = replay.target("served", state_domain="here")


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, index: int = 0, **more: Any) -> bytes:
    choice = {"index": index, "delta": delta or {}, "finish_reason": finish}
    return frame({"id": "c1", "model": "up", "created": 7, "choices": [choice], **more})


def frame(payload: Any) -> bytes:
    return b"data: " + json.dumps(payload).encode() + b"\n\n"


COUNTS = {"prompt_tokens": 3, "completion_tokens": 2}
DONE = b"data: [DONE]\n\n"


def events(*pieces: bytes) -> list[Event]:
    """Of a stream; the same for every split into bytes."""
    whole = list(replay.decoded(ChatClient().decoder(TARGET, True), [b"".join(pieces)]))
    split = list(replay.decoded(ChatClient().decoder(TARGET, True), replay.pieces(b"".join(pieces), 1)))
    assert shown(split) == shown(whole)
    assert disorder(whole) is None, disorder(whole)
    return whole


def whole(body: Any) -> list[Event]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return list(replay.decoded(ChatClient().decoder(TARGET, False), replay.pieces(data, 9)))


def shown(found: list[Event]) -> list[object]:
    return [str(event.error) if isinstance(event, Failed) else event for event in found]


def calls(found: list[Event]) -> list[tuple[str, str, str]]:
    """Id, name and arguments of each call."""
    told = {event.index: event.block for event in found if isinstance(event, BlockStart)}
    deltas = [event for event in found if isinstance(event, BlockDelta)]
    texts = {at: "".join(delta.text for delta in deltas if delta.index == at) for at in told}
    return [(block.id, block.name, texts[at]) for at, block in told.items() if isinstance(block, ToolCall)]


def call(index: int | None = None, identity: str | None = None, name: str | None = None, text: str = "") -> bytes:
    part: dict[str, Any] = {"function": {"name": name, "arguments": text}}
    if index is not None:
        part["index"] = index
    if identity is not None:
        part |= {"id": identity, "type": "function"}
    return chunk({"tool_calls": [part]})
