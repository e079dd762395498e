"""Responses, whole and streamed; a stream is read from its deltas."""

from __future__ import annotations

from said import Json, Said, sse

WHOLE = ("function_call", "custom_tool_call", "image_generation_call")
"""Items that are read when they are done."""


def whole(body: Json) -> Said:
    said = Said(failed=body.get("status") == "failed" or bool(body.get("error")))
    for item in body.get("output") or []:
        _item(said, item)
    _end(said, body)
    return said


def stream(body: str) -> Said:
    said = Said()
    items: list[Json] = []
    for event in sse(body):
        kind = event.get("type", "")
        if kind in ("response.output_text.delta", "response.refusal.delta"):
            said.text += event["delta"]
            said.refused = said.refused or kind == "response.refusal.delta"
        elif kind in (
            "response.reasoning_summary_text.delta",
            "response.reasoning_text.delta",
            "response.reasoning.delta",
        ):
            said.reasoning += event["delta"]
        elif kind == "response.output_item.done" and event["item"]["type"] in WHOLE:
            items.append(event["item"])
        elif kind in ("error", "response.failed"):
            said.failed = True
        elif kind in ("response.completed", "response.incomplete"):
            for item in items:
                _item(said, item)
            _end(said, event["response"])
    return said


def _item(said: Said, item: Json) -> None:
    match item["type"]:
        case "message":
            said.text += "".join(part.get("text") or part.get("refusal") or "" for part in item["content"])
            said.refused = said.refused or any(part.get("refusal") for part in item["content"])
        case "reasoning":
            said.reasoning += "".join(part.get("text", "") for part in item.get("summary") or [])
            said.reasoning += "".join(part.get("text", "") for part in item.get("content") or [])
        case "function_call":
            said.call(item["name"], item["arguments"], item["call_id"])
        case "image_generation_call" if item.get("result"):
            said.picture(item["result"])
        case "custom_tool_call":
            said.calls.append((item["call_id"], item["name"], item["input"]))


def _end(said: Said, response: Json) -> None:
    reason = (response.get("incomplete_details") or {}).get("reason")
    said.end = {"max_output_tokens": "length", "content_filter": "filter"}.get(reason or "", "stop")
    if said.refused and said.end == "stop":
        said.end = "filter"
    if said.calls and said.end == "stop":
        said.end = "tool_calls"
    if usage := response.get("usage"):
        said.read, said.wrote = usage["input_tokens"], usage["output_tokens"]
        said.cached = (usage.get("input_tokens_details") or {}).get("cached_tokens") or 0
        said.thought = (usage.get("output_tokens_details") or {}).get("reasoning_tokens") or 0
