"""Bedrock's Converse, whole and as an AWS event stream; frames are taken apart by AWS's own library."""

from __future__ import annotations

import json

from said import Json, Said

ENDS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "filter",
    "content_filtered": "filter",
}


def whole(body: Json) -> Said:
    said = Said()
    for block in ((body.get("output") or {}).get("message") or {}).get("content") or []:
        _block(said, block)
    said.end = ENDS.get(body.get("stopReason") or "")
    _usage(said, body.get("usage") or {})
    return said


def stream(body: bytes) -> Said:
    from botocore.eventstream import EventStreamBuffer

    buffer = EventStreamBuffer()
    buffer.add_data(body)
    said = Said()
    blocks: dict[int, Json] = {}
    for message in buffer:
        kind = message.headers.get(":event-type")
        event = json.loads(message.payload or b"{}")
        if message.headers.get(":message-type") != "event":
            said.failed = True
        elif kind == "contentBlockStart":
            blocks[event["contentBlockIndex"]] = {name: {**part} for name, part in event["start"].items()}
        elif kind == "contentBlockDelta":
            _grow(blocks.setdefault(event["contentBlockIndex"], {}), event["delta"])
        elif kind == "messageStop":
            said.end = ENDS.get(event["stopReason"])
        elif kind == "metadata":
            _usage(said, event.get("usage") or {})
    for block in blocks.values():
        _block(said, block)
    return said


def _grow(block: Json, delta: Json) -> None:
    if "text" in delta:
        block["text"] = block.get("text", "") + delta["text"]
    if call := delta.get("toolUse"):
        known = block.setdefault("toolUse", {})
        known["input"] = known.get("input", "") + call["input"]
    if thought := delta.get("reasoningContent"):
        known = block.setdefault("reasoningContent", {}).setdefault("reasoningText", {"text": ""})
        known["text"] += thought.get("text") or ""


def _block(said: Said, block: Json) -> None:
    said.text += block.get("text") or ""
    if call := block.get("toolUse"):
        said.call(call["name"], call.get("input", {}), call["toolUseId"])
    said.reasoning += ((block.get("reasoningContent") or {}).get("reasoningText") or {}).get("text") or ""
    for piece in (block.get("citationsContent") or {}).get("content") or []:
        said.text += piece.get("text") or ""


def _usage(said: Said, usage: Json) -> None:
    if usage.get("outputTokens") is None:
        return
    said.cached = usage.get("cacheReadInputTokens") or 0
    said.read = (usage.get("inputTokens") or 0) + said.cached + (usage.get("cacheWriteInputTokens") or 0)
    said.wrote = usage["outputTokens"]
