"""Anthropic Messages, whole and streamed."""

from __future__ import annotations

from said import Json, Said, sse

ENDS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "filter",
    "pause_turn": "pause",
}


def whole(body: Json) -> Said:
    said = Said(failed=body.get("type") == "error")
    for block in body.get("content") or []:
        _block(said, block)
    said.end = ENDS.get(body.get("stop_reason") or "")
    _usage(said, body.get("usage") or {})
    return said


def stream(body: str) -> Said:
    said = Said()
    blocks: dict[int, Json] = {}
    usage: Json = {}
    for event in sse(body):
        match event["type"]:
            case "message_start":
                usage |= event["message"].get("usage") or {}
            case "content_block_start":
                blocks[event["index"]] = {**event["content_block"], "json": ""}
            case "content_block_delta":
                _grow(blocks[event["index"]], event["delta"])
            case "message_delta":
                said.end = ENDS.get(event["delta"].get("stop_reason") or "")
                usage |= {name: count for name, count in (event.get("usage") or {}).items() if count is not None}
            case "error":
                said.failed = True
    for block in blocks.values():
        _block(said, block)
    _usage(said, usage)
    return said


def _grow(block: Json, delta: Json) -> None:
    match delta["type"]:
        case "text_delta":
            block["text"] = block.get("text", "") + delta["text"]
        case "thinking_delta":
            block["thinking"] = block.get("thinking", "") + delta["thinking"]
        case "input_json_delta":
            block["json"] += delta["partial_json"]


def _block(said: Said, block: Json) -> None:
    match block["type"]:
        case "text":
            said.text += block["text"]
        case "thinking":
            said.reasoning += block["thinking"]
        case "tool_use":
            said.call(block["name"], block.get("json") or block["input"], block["id"])


def _usage(said: Said, usage: Json) -> None:
    if usage.get("output_tokens") is None:
        return
    said.cached = usage.get("cache_read_input_tokens") or 0
    said.read = (usage.get("input_tokens") or 0) + said.cached + (usage.get("cache_creation_input_tokens") or 0)
    said.wrote = usage["output_tokens"]
    said.thought = (usage.get("output_tokens_details") or {}).get("thinking_tokens") or 0
